import { expect, test } from 'vitest'
import { jsonLinesOf } from '../../../src/storage/json-lines.ts'

const TEXT = '{"row":0}\n\n{"row":1}\n{"row":2}\nno JSON\n{"row":4}'
const read = (range?: { from: number; until: number }) =>
  Array.from(jsonLinesOf(Buffer.from(TEXT), 'part', range))

test('lines are parsed one by one, blank ones left out, and a bad one is named', () => {
  expect(() => read()).toThrow('part:5 is no JSON')
})

test('of a range, only its lines are parsed', () => {
  expect(read({ from: 1, until: 3 })).toEqual([{ row: 1 }, { row: 2 }])
  expect(read({ from: 4, until: 9 })).toEqual([{ row: 4 }])
  expect(read({ from: 2, until: 2 })).toEqual([])
})
