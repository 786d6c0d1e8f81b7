import { describe, expect, test } from 'vitest'
import {
  areGlued,
  authorOf,
  flagOf,
  integerOf,
  isGiven,
  isStorable,
  picturesOf,
  quoted,
  textOf,
  type PictureName,
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

describe('flags', () => {
  test.each([
    [true, true],
    ['TRUE', true],
    [' false ', false],
    [false, false],
  ])('%j is %j', (cell, value) => {
    expect(flagOf(cell)).toBe(value)
  })

  test.each(['yes', '1', 1, 0, '', null, [true]])('%j is none', (cell) => {
    expect(flagOf(cell)).toBeUndefined()
  })
})

describe('the author of an svg', () => {
  const author = { model: 'gpt-6', reasoning: { effort: 'low' } }

  test.each<[unknown, unknown]>([
    [author, author],
    [JSON.stringify(author), author],
    [{ model: 'gpt-6', reasoning: null }, { model: 'gpt-6' }],
    ['{"model":"gpt-6","reasoning":{"effort":null}}', { model: 'gpt-6' }],
  ])('%j is %j', (cell, value) => {
    expect(authorOf(cell)).toEqual(value)
  })

  test.each<[unknown]>([
    ['gpt-6'],
    [{}],
    ['null'],
    [{ reasoning: { effort: 'low' } }],
    [{ model: '' }],
    [{ ...author, seed: 1 }],
    [[author]],
    [7],
  ])('%j is none', (cell) => {
    expect(authorOf(cell)).toBeUndefined()
  })
})

test('text is text, and numbers and booleans have one', () => {
  expect([textOf('x'), textOf(17), textOf(true)]).toEqual(['x', '17', 'true'])
  expect([textOf(null), textOf(['x']), textOf({})]).toEqual([undefined, undefined, undefined])
})

describe('the pictures of a cell', () => {
  test.each<[unknown, PictureName[]]>([
    ['mug.png', ['mug.png']],
    ['a.png|b.png', ['a.png', 'b.png']],
    [' a.png | b.png |', ['a.png', 'b.png']],
    ['a.png, b.png,\tc.png', ['a.png', 'b.png', 'c.png']],
    ['a.png\nb.png', ['a.png', 'b.png']],
    ['a.png;b.JPG; c;d.webp', ['a.png', 'b.JPG', 'c;d.webp']],
    [
      'https://x.example/a;w=3;https://x.example/b;s3://photos/c',
      ['https://x.example/a;w=3', 'https://x.example/b', 's3://photos/c'],
    ],
    ['a,b.png', ['a,b.png']],
    ['https://x.example/i?size=1,2&c=3', ['https://x.example/i?size=1,2&c=3']],
    ['["a, b.png", "c|d.png"]', ['a, b.png', 'c|d.png']],
    ['[draft] mug.png', ['[draft] mug.png']],
    [
      ['a.png', ' b.png'],
      ['a.png', 'b.png'],
    ],
    [[{ image_url: ' https://x.example/a.png' }], [{ image_url: 'https://x.example/a.png' }]],
    [{ image_url: 'https://x.example/a.png' }, [{ image_url: 'https://x.example/a.png' }]],
    ['{"file_id": "file-1"}', [{ file_id: 'file-1' }]],
    ['[{"file_id": "file-1"}, "a, b.png"]', [{ file_id: 'file-1' }, 'a, b.png']],
    ['{draft} mug.png', ['{draft} mug.png']],
    ['file-1|file-2', ['file-1', 'file-2']],
  ])('%j', (cell, pictures) => {
    expect(picturesOf(cell)).toEqual(pictures)
  })

  test.each<[unknown]>([
    [{}],
    [{ file_id: 1 }],
    [{ file_id: 'file-1', image_url: 'https://x.example/a.png' }],
    [{ url: 'https://x.example/a.png' }],
    [3],
    [[3]],
    [[null]],
    [[['a.png']]],
    ['[1]'],
    ['{"image_url": 1}'],
  ])('%j are none', (cell) => {
    expect(picturesOf(cell)).toBeUndefined()
  })

  test.each(['https://a.example/1.png,https://b.example/2.png'])('%s are glued', (cell) => {
    expect(areGlued(cell)).toBe(true)
    expect(areGlued([cell])).toBe(false)
    expect(areGlued(JSON.stringify({ image_url: cell }))).toBe(false)
  })
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
