import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readCsv } from '../../../src/producer/read-csv.ts'
import { readWith } from './reading.ts'

const csv = async (input: string | Buffer, pieceBytes?: number) =>
  await readWith(readCsv, input, pieceBytes)

describe('the delimiter comes from the header line', () => {
  test.each([
    ['commas', 'id,prompt\n1,"a; b; c"\n'],
    ['semicolons', 'id;prompt\n1;a, b, c, d\n'],
    ['tabs', 'id\tprompt\n1\ta, b; c\n'],
    ['commas, with semicolons in a quoted name', 'id,"p;r;o;m"\n1,x\n'],
  ])('%s', async (_, text) => {
    const { rows, problems } = await csv(text)

    expect(problems).toEqual([])
    expect(rows).toHaveLength(1)
    expect(Object.keys(rows[0]!.values)).toHaveLength(2)
  })

  test.each([
    ['sep=;', 'id;prompt\n1;a, b, c\n'],
    ['SEP=|', 'id|prompt\n1|a, b, c\n'],
    ['sep=\t', 'id\tprompt\n1\ta, b, c\n'],
  ])('the line %j of a spreadsheet says it', async (first, text) => {
    for (const lineEnd of ['\n', '\r\n']) {
      const { rows, problems } = await csv(`${first}\n${text}`.replaceAll('\n', lineEnd))

      expect(problems).toEqual([])
      expect(rows).toEqual([{ line: 3, values: { id: '1', prompt: 'a, b, c' } }])
    }
  })

  test('a single column needs none', async () => {
    expect((await csv('prompt\na mug\n')).rows).toEqual([{ line: 2, values: { prompt: 'a mug' } }])
  })
})

describe('encodings', () => {
  const text = 'id,prompt\n1,Café ☕ 🎨\n'
  const expected = [{ line: 2, values: { id: '1', prompt: 'Café ☕ 🎨' } }]
  const utf16le = Buffer.from(text, 'utf16le')

  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${text}`)],
    ['UTF-16LE with a mark', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['UTF-16LE without one', utf16le],
    ['UTF-16BE with a mark', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['UTF-16BE without one', Buffer.from(utf16le).swap16()],
  ])('%s, however it is cut', async (_, bytes) => {
    for (const pieceBytes of [1, 2, 3, 7, Infinity]) {
      const { rows, problems } = await csv(bytes, pieceBytes)

      expect(problems).toEqual([])
      expect(rows).toEqual(expected)
    }
  })

  test('Latin-1 is named with its lines, and the rest is still read', async () => {
    const bytes = Buffer.from('id,prompt\n1,plain\n2,Caf\xe9 au lait\n3,\xfcber\n', 'latin1')

    const { rows, problems } = await csv(bytes)

    expect(problems).toEqual([
      'm:3 is not UTF-8 (byte 0xE9): save the file as "CSV UTF-8", or convert it to UTF-8',
      'm:4 is not UTF-8 (byte 0xFC): save the file as "CSV UTF-8", or convert it to UTF-8',
    ])
    expect(rows.map(({ line }) => line)).toEqual([2, 3, 4])
  })

  test('a bad byte is reported once, wherever the pieces are cut', async () => {
    const bytes = Buffer.from('id,prompt\r\n1,\xe9\xe9\xe9\r\n2,x\xe9', 'latin1')

    for (const pieceBytes of [1, 2, 3, 5, Infinity]) {
      const { problems } = await csv(bytes, pieceBytes)

      expect(problems).toEqual([expect.stringMatching(/^m:2 .* \(2 rows: lines 2, 3\)$/)])
    }
  })

  test('a NUL byte is no text', async () => {
    const { problems } = await csv('id,prompt\n1,a\0b\n')

    expect(problems).toEqual(['m:2 holds a NUL byte: this is not a text file, or a broken one'])
  })

  test('half a UTF-16 pair is reported', async () => {
    const bytes = Buffer.from(`\uFEFFid,prompt\n1,x\uD83Dx\n`, 'utf16le')

    expect((await csv(bytes)).problems).toEqual([
      'm:2 holds a broken UTF-16 character: save as CSV UTF-8',
    ])
  })
})

describe('rows and their lines', () => {
  test('a row has the line where it begins, also after line ends inside quotes', async () => {
    const text = 'id,prompt\r\n1,"two\r\nlines"\r\n2,"three\n\nlines"\r\n\r\n\r\n3,x'

    for (const pieceBytes of [1, 2, 5, Infinity]) {
      const { rows } = await csv(text, pieceBytes)

      expect(rows.map(({ line, values }) => [line, values['id']])).toEqual([
        [2, '1'],
        [4, '2'],
        [9, '3'],
      ])
    }
  })

  test('blank rows are skipped, also those of only delimiters', async () => {
    const { rows, problems } = await csv('\n\nid,prompt\n\n , \n1,x\n,\n')

    expect(problems).toEqual([])
    expect(rows).toEqual([{ line: 6, values: { id: '1', prompt: 'x' } }])
  })

  test('old Macintosh line ends', async () => {
    const { rows } = await csv('id,prompt\r1,x\r2,y\r')

    expect(rows.map(({ line, values }) => [line, values['prompt']])).toEqual([
      [2, 'x'],
      [3, 'y'],
    ])
  })

  test('names are trimmed, cells are not', async () => {
    expect((await csv(' id , prompt \n1, x \n')).rows[0]!.values).toEqual({
      id: '1',
      prompt: ' x ',
    })
  })

  test('trailing columns without a name may be empty', async () => {
    const { rows, problems } = await csv('id,prompt,\n1,x,\n2,y,z\n')

    expect(rows[0]!.values).toEqual({ id: '1', prompt: 'x' })
    expect(problems).toEqual(['m:3 has a cell without a column name'])
  })

  test('quotes inside unquoted text are text', async () => {
    const { rows, problems } = await csv('id,prompt\n1,a 5" mug\n')

    expect(problems).toEqual([])
    expect(rows[0]!.values['prompt']).toBe('a 5" mug')
  })

  test('in tab-separated files also at the beginning', async () => {
    const { rows, problems } = await csv('prompt\tnote\n"G I G" painted on a wall\tx\n')

    expect(problems).toEqual([])
    expect(rows[0]!.values['prompt']).toBe('"G I G" painted on a wall')
  })
})

describe('problems', () => {
  test('every ragged row is named with its counts', async () => {
    const { rows, problems } = await csv('id,prompt\n1\n2,x\n3,a, b\n')

    expect(problems).toEqual([
      'm:2 has 1 cell where the header has 2',
      'm:4 has 3 cells where the header has 2: put text with a comma in quotes',
    ])
    expect(rows).toEqual([{ line: 3, values: { id: '2', prompt: 'x' } }])
  })

  test('every duplicate header is named', async () => {
    const { rows, problems } = await csv('id,prompt,id,Note,prompt\n1,x,2,y,z\n')

    expect(problems).toEqual([
      'm:1 id is the name of more than one column',
      'm:1 prompt is the name of more than one column',
    ])
    expect(rows).toEqual([])
  })

  test('text after a closing quote', async () => {
    const { problems } = await csv('id,prompt\n1,"12" mug"\n2,"""12"" mug"\n')

    expect(problems).toEqual([
      'm:2 prompt has text after the closing quote: write a quote inside quoted text as ""',
    ])
  })

  test('a quote in a tab-separated file that takes in the rows below', async () => {
    const { problems } = await csv('id\tprompt\na\t"12 inch pizza\nb\tsecond\nc\tthird "x"\n')

    expect(problems).toEqual([
      'm:2 prompt has text after the closing quote: write a quote inside quoted text as ""',
    ])
  })

  test('a quote that is never closed is found where its row begins', async () => {
    const { rows, problems } = await csv('id,prompt\n1,x\n2,"y\n3,z\n4,z\n')

    expect(problems).toEqual(['m:3 opens a quote that is never closed'])
    expect(rows.map(({ line }) => line)).toEqual([2])
  })

  test('a row of more than 1 MB', async () => {
    const { rows, problems } = await csv(
      `id,prompt\n1,x\n2,${'y'.repeat(1024 * 1024)}\n3,z\n`,
      65_536,
    )

    expect(problems).toEqual(['m:3 begins a row of more than 1 MB: is a quote left open?'])
    expect(rows.map(({ line }) => line)).toEqual([2, 4])
  })

  test('an open quote in a large file does not take the file into memory', async () => {
    let bytesRead = 0
    async function* large() {
      yield Buffer.from('id,prompt\n1,x\n2,"y\n')
      for (; bytesRead < 200e6; bytesRead += 100_000) yield Buffer.alloc(100_000, 'abc, \n')
    }
    const lines = await readWith((_, findings) => readCsv(large(), findings), '')

    expect(lines.problems).toEqual(['m:3 begins a row of more than 1 MB: is a quote left open?'])
    expect(bytesRead).toBeLessThan(10e6)
  })

  test.each(['__proto__', 'constructor', 'prototype'])('a column named %s', async (name) => {
    const { rows, problems } = await csv(`id,${name}\n1,x\n`)

    expect(problems).toEqual([`m:1 has a column named "${name}": rename it`])
    expect(rows).toEqual([])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  test('a first line that is no header', async () => {
    const { problems } = await csv(`${'a long prompt '.repeat(20)}\nanother\n`)

    expect(problems).toEqual([
      'm:1 has a column name of 279 characters: is the first line the header?',
    ])
  })
})

function written(text: string, always: boolean): string {
  return always || /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

test('any table survives being written and read, in any quoting, line end and cut', async () => {
  const cell = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: fc.constantFrom(',', ';', '\t', '"', '\n', '\r', ' ', 'a'), maxLength: 8 }),
  )
  const table = fc.record({
    delimiter: fc.constantFrom(',', ';', '\t'),
    lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
    rows: fc.array(fc.tuple(cell, cell, fc.boolean()), { maxLength: 8 }),
    pieceBytes: fc.integer({ min: 1, max: 40 }),
  })
  await fc.assert(
    fc.asyncProperty(table, async ({ delimiter, lineEnd, rows, pieceBytes }) => {
      let line = 2
      let text = `one${delimiter}two${lineEnd}`
      const expected = []
      for (const [one, two, always] of rows) {
        const row = `${written(one, always)}${delimiter}${written(two, always)}${lineEnd}`
        if ((one + two).trim() !== '') expected.push({ line, values: { one, two } })
        line += row.match(/\r\n?|\n/g)!.length
        text += row
      }

      const read = await csv(Buffer.from(text.replaceAll('\0', '')), pieceBytes)

      expect(read.problems).toEqual([])
      expect(read.rows).toEqual(
        JSON.parse(JSON.stringify(expected).replaceAll(String.raw`\u0000`, '')),
      )
    }),
    { numRuns: 300 },
  )
})
