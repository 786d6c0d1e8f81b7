import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readJsonLines } from '../../../src/producer/read-json-lines.ts'
import { readWith } from './reading.ts'

const lines = async (input: string | Buffer, pieceBytes?: number) =>
  await readWith(readJsonLines, input, pieceBytes)

test('one row per line; blank lines are skipped, the last line end may be missing', async () => {
  const { rows, problems } = await lines('\uFEFF{"id":1}\r\n\n  \n{"id":"b"}')

  expect(problems).toEqual([])
  expect(rows).toEqual([
    { line: 1, values: { id: 1 } },
    { line: 4, values: { id: 'b' } },
  ])
})

test('a bad line is named with its column and does not hide the others', async () => {
  const { rows, problems } = await lines('{"id":1}\n{"id":2,}\n[3]\n{"id":4}\nid: 5\n')

  expect(problems).toEqual([
    'm:2 is not valid JSON at column 9: expected a name in double quotes, found "}"',
    'm:3 is not an object: a row is { "prompt": "…", … }',
    'm:5 is not valid JSON at column 1: expected a value, found "i"',
  ])
  expect(rows.map(({ line }) => line)).toEqual([1, 4])
})

test('a name that is given twice in a row is reported, also when only blanks tell them apart', async () => {
  const { problems } = await lines(
    '{"id":1,"prompt":"x","prompt":"y"}\n{"id":2,"prompt":"x"," prompt":"y"}\n',
  )

  expect(problems).toEqual(['m:1 prompt is the name of more than one column (2 rows: lines 1, 2)'])
})

test('a line of more than 8 MB is refused without being kept', async () => {
  let bytesRead = 0
  async function* large() {
    yield Buffer.from('{"id":1}\n')
    for (; bytesRead < 300e6; bytesRead += 100_000) yield Buffer.alloc(100_000, 'x')
    yield Buffer.from('\n{"id":3}\n')
  }
  const memoryBefore = process.memoryUsage().arrayBuffers

  const { rows, problems } = await readWith((_, findings) => readJsonLines(large(), findings), '')

  expect(problems).toEqual(['m:2 is longer than 8 MB: one line is one row'])
  expect(rows.map(({ line }) => line)).toEqual([1, 3])
  expect(process.memoryUsage().arrayBuffers - memoryBefore).toBeLessThan(100e6)
})

test('is the same however the bytes are cut', async () => {
  const rows = fc.array(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()), {
    maxLength: 5,
  })
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 30 }), async (rows, pieceBytes) => {
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')

      expect(await lines(text, pieceBytes)).toEqual(await lines(text))
    }),
  )
})

/** A good batch line, with changes. */
function batchLine(change: object): string {
  return JSON.stringify({
    custom_id: 'sku-1',
    method: 'POST',
    url: '/v1/images/generations',
    body: { model: 'gpt-image-2', prompt: 'x' },
    ...change,
  })
}

describe("OpenAI's batch lines", () => {
  test.each([
    ['/v1/images/generations', 'generate'],
    ['/v1/images/edits', 'edit'],
    ['/v1/images/variations', 'variation'],
  ])('%s is %s', async (url, operation) => {
    expect((await lines(batchLine({ url }))).rows).toEqual([
      { line: 1, values: { id: 'sku-1', operation, model: 'gpt-image-2', prompt: 'x' } },
    ])
  })

  test('have every parameter that has no form of its own in a CSV', async () => {
    const body = {
      prompt: 'x',
      images: [{ file_id: 'file-1' }],
      mask: { file_id: 'file-2' },
      stream: true,
      partial_images: 1,
      svg: { model: 'gpt-6' },
      frame_count: 3,
      complexity: 'low',
      markup: 'm.png',
    }

    expect((await lines(batchLine({ body }))).rows[0]?.values).toMatchObject(body)
  })

  test('may be mixed with plain rows', async () => {
    const { rows } = await lines(`${batchLine({})}\n{"id":"b","prompt":"y"}\n`)

    expect(rows.map(({ values }) => values['id'])).toEqual(['sku-1', 'b'])
  })

  test('a column named body makes no batch line as long as it is text', async () => {
    expect((await lines('{"body":"cotton","custom_id":"x"}')).rows).toEqual([
      { line: 1, values: { body: 'cotton', custom_id: 'x' } },
    ])
  })

  test.each([
    [{ method: 'GET' }, ['m:1 method "GET": must be POST']],
    [
      { url: '/v1/chat/completions' },
      [
        'm:1 url "/v1/chat/completions": must be one of /v1/images/generations, /v1/images/edits, /v1/images/variations',
      ],
    ],
    [
      { body: { prompt: 'x', seed: 1, format: 'png', constructor: 1 }, extra: 1 },
      [
        'm:1 extra is not part of a batch line',
        'm:1 body.seed is not a parameter renderq sends',
        'm:1 body.format is not a parameter renderq sends',
        'm:1 body.constructor is not a parameter renderq sends',
      ],
    ],
  ])('%j is a problem', async (change, problems) => {
    const reading = await lines(batchLine(change))

    expect(reading.problems).toEqual(problems)
    expect(reading.rows).toEqual([])
  })
})
