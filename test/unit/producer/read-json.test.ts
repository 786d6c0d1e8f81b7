import { describe, expect, test } from 'vitest'
import { readJson } from '../../../src/producer/read-json.ts'
import { readWith } from './reading.ts'

const json = async (input: string | Buffer) => await readWith(readJson, input)

test('an array of rows, each with the line where it begins', async () => {
  const { rows, problems } = await json(
    '[\n  { "prompt": "a" }, { "prompt": "b" },\r\n\r\n{\n"prompt": "Ċ\\n" }]',
  )

  expect(problems).toEqual([])
  expect(rows.map(({ line, values }) => [line, values['prompt']])).toEqual([
    [2, 'a'],
    [2, 'b'],
    [4, 'Ċ\n'],
  ])
})

test('letters whose code ends like a line feed count as letters', async () => {
  const { rows } = await json('[{"prompt":"ĊčĊ"},\n{"prompt":"x"}]')

  expect(rows.map(({ line }) => line)).toEqual([1, 2])
})

test('an object with defaults and rows; a $schema is welcome', async () => {
  const { rows, problems, findings } = await json(
    '{ "$schema": "https://example.com/m.json", "defaults": { "size": "auto" },\n"rows": [{ "prompt": "x", "n": 2 }] }',
  )

  expect(problems).toEqual([])
  expect(findings.warnings).toEqual([])
  expect(rows).toEqual([{ line: 2, values: { prompt: 'x', n: 2 } }])
})

test('UTF-16, as some exports write it', async () => {
  expect((await json(Buffer.from('\uFEFF[{"prompt":"ü"}]', 'utf16le'))).rows).toEqual([
    { line: 1, values: { prompt: 'ü' } },
  ])
})

test('a name that is given twice is reported where it stands', async () => {
  const { problems } = await json('{"rows": [\n{"prompt":"x"},\n{"n":1,\n"n":2}],\n"rows": []}')

  expect(problems).toEqual([
    'm:4 n is the name of more than one column',
    'm:5 rows is the name of more than one column',
  ])
})

describe('problems', () => {
  test.each([
    [
      '[\n {"a": 1,}\n]',
      ['m:2 is not valid JSON at column 10: expected a name in double quotes, found "}"'],
    ],
    [
      '{"prompt":"a"}\n{"prompt":"b"}\n',
      [
        'm:2 is not valid JSON at column 1: expected nothing after the end, found "{"; if each line is a row, name the file .jsonl',
      ],
    ],
    ['"rows"', ['m:1 is not an object: a row is { "prompt": "…", … }']],
    [
      '{"defaults": {"where": "a=b", "Fill Down": "x", "brand": "y"}, "rows": [{"prompt":"x"}]}',
      [
        'm where is a flag, --where, and not for defaults',
        'm Fill Down is a flag, --fill-down, and not for defaults',
      ],
    ],
    ['{"row": []}', ['m must be an array of rows, or { "defaults": {…}, "rows": […] }']],
    [
      '{"defaults": [], "rows": [{"prompt":"x"}], "version": 2}',
      [
        'm version is not known beside defaults and rows',
        'm:1 is not an object: a row is { "prompt": "…", … }',
      ],
    ],
    [
      '[{"prompt":"x"}, "y", null,\n[1], {"__proto__": 1}]',
      [
        'm:1 is not an object: a row is { "prompt": "…", … } (3 rows, first at line 1)',
        'm:2 has a column named "__proto__": rename it',
      ],
    ],
    [`[{"a": ${'['.repeat(21)}${']'.repeat(21)}}]`, ['m:1 is nested deeper than 20 levels']],
  ])('%j', async (text, problems) => {
    expect((await json(text)).problems).toEqual(problems)
  })

  test('more than 64 MB: JSON Lines are advised, and no more than that is read', async () => {
    let bytesRead = 0
    async function* large() {
      for (; bytesRead < 200e6; bytesRead += 1_000_000) yield Buffer.alloc(1_000_000, ' ')
    }

    const { problems } = await readWith((_, findings) => readJson(large(), findings), '')

    expect(problems).toEqual([
      'm is larger than 64 MB, too much for JSON: write JSON Lines (.jsonl), one row per line',
    ])
    expect(bytesRead).toBeLessThan(70e6)
  })
})
