import { expect, test } from 'vitest'
import { assertMetadata } from '../../../src/storage/metadata.ts'

test.each([
  {},
  { row: '' },
  { run: 'run_0123456789', row: 'K%C3%BCche 1', sha256: 'ab'.repeat(32) },
  { a: 'x'.repeat(2_047) },
])('%j is fine', (metadata) => {
  expect(() => assertMetadata(metadata as Record<string, string>)).not.toThrow()
})

test.each([
  { Row: '1' },
  { 'a b': '1' },
  { '': '1' },
  { row: 'two  spaces' },
  { row: ' padded' },
  { row: 'padded ' },
  { row: 'Küche' },
  { row: 'a\r\nx-amz-acl: public-read' },
  { row: '\u007f' },
  { a: 'x'.repeat(2_048) },
])('%j is refused', (metadata) => {
  expect(() => assertMetadata(metadata as Record<string, string>)).toThrow(TypeError)
})
