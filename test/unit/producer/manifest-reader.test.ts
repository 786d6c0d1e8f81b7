import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Findings } from '../../../src/producer/findings.ts'
import { formatProblem } from '../../../src/producer/format-problems.ts'
import type { ManifestBytesOptions } from '../../../src/producer/manifest-bytes.ts'
import { readManifest } from '../../../src/producer/manifest-reader.ts'
import { tempDir } from '../../helpers/temp.ts'
import { pieces, problemsOf } from './reading.ts'

async function read(path: string, options: ManifestBytesOptions = {}) {
  const findings = new Findings('m')
  const manifest = readManifest(path, findings, options)
  const rows = []
  for await (const { line, values, defaults } of manifest.rows) {
    rows.push({ line, ...Object.fromEntries(defaults), ...Object.fromEntries(values) })
  }
  return { rows, problems: problemsOf(findings).map(formatProblem), sha256: manifest.sha256() }
}

const fromStdin = async (text: string, pieceBytes?: number) =>
  await read('-', { stdin: pieces(Buffer.from(text), pieceBytes) })

describe('the form of standard input is known by its first row', () => {
  test.each([
    ['CSV', 'prompt,size\nx,auto\n', { line: 2, prompt: 'x', size: 'auto' }],
    ['TSV', 'prompt\tsize\nx\tauto\n', { line: 2, prompt: 'x', size: 'auto' }],
    ['a JSON array', ' \n[{"prompt":"x"}]', { line: 2, prompt: 'x' }],
    [
      'JSON on one line',
      '{"defaults":{"n":2},"rows":[{"prompt":"x"}]}',
      { line: 1, prompt: 'x', n: 2 },
    ],
    ['JSON on many lines', '{\n"rows":[\n{"prompt":"x"}]}', { line: 3, prompt: 'x' }],
    ['JSON Lines', '\n{"prompt":"x"}\n', { line: 2, prompt: 'x' }],
    ['a single JSON Line', '{"prompt":"x"}', { line: 1, prompt: 'x' }],
  ])('%s', async (_, text, row) => {
    for (const pieceBytes of [1, Infinity]) {
      const { rows, problems } = await fromStdin(text, pieceBytes)

      expect(problems).toEqual([])
      expect(rows).toEqual([row])
    }
  })
})

test('a first row of some megabytes is a row as well', async () => {
  const long = 'x'.repeat(2_000_000)

  const { rows, problems } = await fromStdin(`{"prompt":"${long}"}\n{"prompt":"y"}\n`)

  expect(problems).toEqual([])
  expect(rows.map(({ line }) => line)).toEqual([1, 2])
})

test('the extension decides before the content does', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('a.CSV'), '[prompt]\nx\n')
  await writeFile(dir.join('a.ndjson'), '{"prompt":"x"}\n')

  expect((await read(dir.join('a.CSV'))).rows).toEqual([{ line: 2, '[prompt]': 'x' }])
  expect((await read(dir.join('a.ndjson'))).rows).toEqual([{ line: 1, prompt: 'x' }])
})

test('the digest is of the bytes as they are', async () => {
  await using dir = await tempDir()
  const bytes = Buffer.from('\uFEFFprompt\r\nü\r\n', 'utf16le')
  await writeFile(dir.join('a.csv'), bytes)

  const { sha256 } = await read(dir.join('a.csv'))

  expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
})

describe('what is no manifest', () => {
  test.each([
    ['nothing at all', '', 'm is empty'],
    ['blanks', ' \n\n\t\n', 'm is empty'],
    ['only a header', 'id,prompt\n', 'm has no rows'],
    ['an empty array', '[]', 'm has no rows'],
    ['empty rows', '{"rows":[]}', 'm has no rows'],
  ])('%s', async (_, text, problem) => {
    expect((await fromStdin(text)).problems).toEqual([problem])
  })

  test('a missing file, a folder, and a file below a file', async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('a.csv'), '')

    expect((await read(dir.join('b.csv'))).problems).toEqual(['m there is no such file'])
    expect((await read(dir.join('a.csv', 'b'))).problems).toEqual(['m there is no such file'])
    expect((await read(dir.path)).problems).toEqual(['m is a folder: name the manifest file in it'])
  })

  test.skipIf(process.getuid?.() === 0)('a file we may not read', async () => {
    await using dir = await tempDir()
    await mkdir(dir.join('x'))
    await writeFile(dir.join('a.csv'), 'prompt\nx\n')
    await chmod(dir.join('a.csv'), 0)

    expect((await read(dir.join('a.csv'))).problems).toEqual(['m may not be read by this user'])
  })

  test('one that is too large: it is read no further', async () => {
    const stdin = pieces(Buffer.from('{"prompt":"x"}\n'.repeat(20)), 15)

    const { rows, problems } = await read('-', { stdin, bytesMax: 10 * 15 })

    expect(rows).toHaveLength(10)
    expect(problems).toEqual(['m is larger than 1 GB: split it into several manifests'])
  })
})

test('leaving early closes the source', async () => {
  let isClosed = false
  async function* source() {
    try {
      for (;;) yield Buffer.from('prompt\nx\n')
    } finally {
      isClosed = true
    }
  }

  for await (const _ of readManifest('-', new Findings('m'), { stdin: source() }).rows) break

  expect(isClosed).toBe(true)
})

test('leaving a file early ends at once', async () => {
  await using dir = await tempDir()
  await writeFile(dir.join('a.csv'), `prompt\n${'x\n'.repeat(1_000_000)}`)

  for await (const row of readManifest(dir.join('a.csv'), new Findings('m')).rows) {
    if (row.line > 3) break
  }

  await expect(rm(dir.join('a.csv'))).resolves.toBeUndefined()
})

test.each(['prompt\nx\n', '{"prompt":"x"}\n', '[{"prompt":"x"}'])(
  'a source that fails is not taken for the end: %j',
  async (text) => {
    async function* source() {
      yield Buffer.from(text)
      throw new Error('read failed')
    }

    await expect(read('-', { stdin: source() })).rejects.toThrow('read failed')
  },
)
