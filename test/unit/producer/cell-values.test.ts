import { describe, expect, test } from 'vitest'
import {
  integerOf,
  isGiven,
  isStorable,
  picturesOf,
  quoted,
  textOf,
} from '../../../src/producer/cell-values.ts'

test.each([null, undefined, '', ' \n', []])('%j is not given', (value) => {
  expect(isGiven(value)).toBe(false)
})

test.each([0, false, 'x', ['x'], {}])('%j is given', (value) => {
  expect(isGiven(value)).toBe(true)
})

describe('whole numbers', () => {
  test.each([
    [2, 2],
    ['2', 2],
    [' 2 ', 2],
    ['-1', -1],
    ['007', 7],
  ])('%j is %d', (cell, value) => {
    expect(integerOf(cell)).toBe(value)
  })

  test.each([
    'two',
    '2.5',
    '2,0',
    '1e3',
    '0x2',
    '',
    2.5,
    Infinity,
    NaN,
    true,
    null,
    ['2'],
    '9'.repeat(20),
  ])('%j is none', (cell) => {
    expect(integerOf(cell)).toBeUndefined()
  })
})

test('text is text, and numbers and booleans have one', () => {
  expect([textOf('x'), textOf(17), textOf(true)]).toEqual(['x', '17', 'true'])
  expect([textOf(null), textOf(['x']), textOf({})]).toEqual([undefined, undefined, undefined])
})

describe('the pictures of a cell', () => {
  test.each<[unknown, string[]]>([
    ['mug.png', ['mug.png']],
    ['a.png|b.png', ['a.png', 'b.png']],
    [' a.png | b.png |', ['a.png', 'b.png']],
    ['a.png, b.png,\tc.png', ['a.png', 'b.png', 'c.png']],
    ['a.png\nb.png', ['a.png', 'b.png']],
    ['a,b.png', ['a,b.png']],
    ['https://x.example/i?size=1,2&c=3', ['https://x.example/i?size=1,2&c=3']],
    ['["a, b.png", "c|d.png"]', ['a, b.png', 'c|d.png']],
    ['[draft] mug.png', ['[draft] mug.png']],
    [
      ['a.png', ' b.png'],
      ['a.png', 'b.png'],
    ],
    [[{ image_url: 'https://x.example/a.png' }], ['https://x.example/a.png']],
    [{ image_url: 'https://x.example/a.png' }, ['https://x.example/a.png']],
  ])('%j', (cell, pictures) => {
    expect(picturesOf(cell)).toEqual(pictures)
  })

  test.each([[{ file_id: 'file-1' }], 3, [3], [null], [['a.png']], '[1]'])(
    '%j are none',
    (cell) => {
      expect(picturesOf(cell)).toBeUndefined()
    },
  )
})

test.each(['a\0b', '\uD83D', 'x\uDC00'])('%j cannot be stored everywhere', (text) => {
  expect(isStorable(text)).toBe(false)
})

test('whole surrogate pairs can', () => {
  expect(isStorable('🎨 mug\nline')).toBe(true)
})

test('values in messages are short', () => {
  expect(quoted('x')).toBe('"x"')
  expect(quoted({ a: 1 })).toBe('"{"a":1}"')
  expect(quoted('x'.repeat(100))).toBe(`"${'x'.repeat(60)}…"`)
  expect(quoted(undefined)).toBe('"undefined"')
})
