import { expect, test } from 'vitest'
import { changesBetween, type Version } from '../../../src/report/row-changes.ts'

const request = { model: 'gpt-image-2', n: 1, prompt: 'a mug', size: '1024x1024' }
const VERSION: Version = { operation: 'edit', request, inputs: [], mask: null, markup: null }
const input = (source: string, sha256: string | null) => ({
  source,
  sha256,
  byteCount: null,
  mediaType: null,
})
const DIGEST = 'a'.repeat(64)
const OTHER_DIGEST = 'b'.repeat(64)

test('equal versions have no changes', () => {
  expect(changesBetween(VERSION, structuredClone(VERSION))).toEqual([])
})

test('every parameter that decides the pictures is compared, and no other', () => {
  const { size: _, ...withoutSize } = request
  const is = {
    ...VERSION,
    request: { ...withoutSize, prompt: 'a cup', quality: 'low', user: 'me' },
  }

  expect(changesBetween(VERSION, is)).toEqual([
    { what: 'prompt', was: 'a mug', is: 'a cup' },
    { what: 'size', was: '1024x1024', is: null },
    { what: 'quality', was: null, is: 'low' },
  ])
})

test('the bytes of input pictures decide, not where they came from', () => {
  const was = { ...VERSION, inputs: [input('https://a/1.png', DIGEST), input('file-1', null)] }
  const moved = { ...VERSION, inputs: [input('https://b/1.png', DIGEST), input('file-1', null)] }
  const changed = { ...VERSION, inputs: [input('https://a/1.png', OTHER_DIGEST)] }

  expect(changesBetween(was, moved)).toEqual([])
  expect(changesBetween(was, changed)).toEqual([
    {
      what: 'input picture 1',
      was: 'https://a/1.png (sha256 aaaaaaaaaaaa…)',
      is: 'https://a/1.png (sha256 bbbbbbbbbbbb…)',
    },
    { what: 'input picture 2', was: 'file-1', is: null },
  ])
})
