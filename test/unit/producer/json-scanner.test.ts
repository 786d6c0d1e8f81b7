import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonScanner, JsonSyntaxError } from '../../../src/producer/json-scanner.ts'

function errorOf(text: string): JsonSyntaxError | undefined {
  try {
    JsonScanner.scan(text)
    return undefined
  } catch (error) {
    if (error instanceof JsonSyntaxError) return error
    throw error
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('where the rows begin', () => {
  test.each([
    ['an array', '[ {"a":1},\n {"b":[1,{"rows":[2]}]} ]', [2, 12]],
    ['an object with rows', '{"defaults":{"rows":[1]},"rows":[{},\n{}]}', [33, 37]],
    ['the last of several rows', '{"rows":[1,2],"rows":[ 3]}', [23]],
    ['an escaped name', String.raw`{"\u0072ows":[7]}`, [14]],
    ['nothing', '{"a":[1]}', []],
    ['an empty array', '[]', []],
  ])('%s', (_, text, offsets) => {
    expect(JsonScanner.scan(text).rowOffsets).toEqual(offsets)
  })

  test('each is the start of its value', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.integer({ min: 0, max: 2 }), (rows, indent) => {
        const text = JSON.stringify({ before: rows, rows, after: 1 }, undefined, indent)

        const offsets = JsonScanner.scan(text).rowOffsets

        expect(offsets).toHaveLength(rows.length)
        for (const [index, row] of rows.entries()) {
          const value = JSON.stringify(row, undefined, indent).charAt(0)
          expect(text.charAt(offsets[index]!)).toBe(value)
        }
      }),
    )
  })
})

describe('names that an object has already', () => {
  test.each([
    ['in a row', '[{"a":1,"b":2,"a":3}]', [{ name: 'a', offset: 14 }]],
    ['spelled with an escape', String.raw`{"a":1,"\u0061":2}`, [{ name: 'a', offset: 7 }]],
    ['deep inside', '{"x":{"y":[{"z":1,"z":2}]}}', [{ name: 'z', offset: 18 }]],
    ['once each', '[{"a":{"a":1}},{"a":2}]', []],
  ])('%s', (_, text, repeats) => {
    expect(JsonScanner.scan(text).repeats).toEqual(repeats)
  })

  test('are kept up to a bound', () => {
    expect(JsonScanner.scan(`{${'"a":1,'.repeat(5_000)}"b":2}`).repeats).toHaveLength(1_000)
  })
})

describe('where the text is broken', () => {
  test.each([
    ['[1,]', 3, 'expected a value, found "]"'],
    ['[1 2]', 3, 'expected "," or "]", found "2"'],
    ['{"a" 1}', 5, 'expected ":" after the name, found "1"'],
    ["{'a':1}", 1, 'expected a name in double quotes, found "\'"'],
    ['{"a":1,}', 7, 'expected a name in double quotes, found "}"'],
    ['{"a":01}', 6, 'expected "," or "}", found "1"'],
    ['["a\nb"]', 3, String.raw`a line break or control character in quotes: write \n, found "\n"`],
    [String.raw`["a\x"]`, 3, String.raw`a backslash that escapes nothing: write \\, found "\\"`],
    ['["a', 3, 'the text in quotes is not closed, found the end'],
    ['[1', 2, 'expected "," or "]", found the end'],
    ['', 0, 'expected a value, found the end'],
    ['{} {}', 3, 'expected nothing after the end, found "{"'],
    ['[NaN]', 1, 'expected a value, found "N"'],
    ['[😀]', 1, 'expected a value, found "😀"'],
  ])('%j', (text, offset, message) => {
    expect(errorOf(text)).toMatchObject({ offset, message })
    expect(isJson(text)).toBe(false)
  })

  test('nesting has a limit and no effect on the stack', () => {
    expect(errorOf('['.repeat(1_000_000))?.message).toMatch(/^nested deeper than 64 levels/)
  })
})

test('accepts exactly what JSON.parse accepts', () => {
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.integer({ min: 0, max: 2 }),
    insert: fc.constantFrom(
      '',
      ',',
      '"',
      '{',
      ']',
      ':',
      '0',
      '-',
      '.',
      'e',
      '\\',
      '\n',
      ' ',
      'tru',
    ),
  })
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.array(edit, { maxLength: 2 }), (value, edits) => {
      let text = JSON.stringify(value)
      for (const { at, remove, insert } of edits) {
        const from = at % (text.length + 1)
        text = text.slice(0, from) + insert + text.slice(from + remove)
      }

      expect(errorOf(text) === undefined).toBe(isJson(text))
    }),
    { numRuns: 2_000 },
  )
})
