import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { assertMetadata, toMetadataValue } from '../../../src/storage/metadata.ts'

test.each([
  ['sku-1', 'sku-1'],
  ['Küche 1', 'K%C3%BCche%201'],
  ['', ''],
])('%j becomes %j', (text, value) => {
  expect(toMetadataValue(text)).toBe(value)
})

test('any text becomes a value that every store takes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      expect(() => assertMetadata({ row: toMetadataValue(text) })).not.toThrow()
    }),
  )
  expect(toMetadataValue('\ud800')).toBe('%EF%BF%BD')
})

test('long texts stay different', () => {
  const long = '漢'.repeat(300)

  expect(toMetadataValue(long)).toMatch(/^sha256:[0-9a-f]{64}$/)
  expect(toMetadataValue(long)).not.toBe(toMetadataValue(`${long}字`))
})

test.each([{ Row: '1' }, { 'a b': '1' }, { '': '1' }, { row: 'two  spaces' }, { row: '\u007f' }])(
  '%j is refused',
  (metadata) => {
    expect(() => assertMetadata(metadata as Record<string, string>)).toThrow(TypeError)
  },
)
