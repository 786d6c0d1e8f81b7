/** What a real run prints and leaves behind keeps the shipped schemas, and has no key that they do not name. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli, type Finished } from '../../helpers/cli.ts'
import { seedEmbedded } from '../../helpers/queues.ts'
import { tempDir } from '../../helpers/temp.ts'
import { judgeOf } from './schemas.ts'

const MANIFEST = [
  'id,prompt,image,stream,partial_images,size,SKU',
  'sku-1,a mug,,,,816x816,A-1',
  'sku-2,a vase,,true,2,816x816,A-2',
  'sku-3,a mug,https://127.0.0.1/no.png,,,816x816,A-3',
].join('\n')
const APART = ['--state-dir', '.renderq/emulator', '--storage-url', 'file:./renders-demo']

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

let dir: Awaited<ReturnType<typeof tempDir>>
let finished: Finished
let folder: string
let run: string

beforeAll(async () => {
  dir = await tempDir()
  seedEmbedded(dir.join('.renderq', 'emulator'))
  await writeFile(dir.join('m.csv'), MANIFEST)
  const command = ['run', 'm.csv', '--emulator', '--keep-partials', '--json']
  finished = await runCli(command, { cwd: dir.path })
  run = String(linesOf(finished.stdout).at(-1)?.['run'])
  folder = dir.join('renders-demo', '_runs', run)
}, 120_000)

afterAll(() => dir[Symbol.asyncDispose]())

const readRunFile = (name: string) => readFile(join(folder, name), 'utf8')

describe('of a run with a failed row', () => {
  test('the events', () => {
    const judge = judgeOf('events', { isClosed: true })
    const events = linesOf(finished.stdout)

    expect(finished.code).toBe(3)
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['plan', 'started', 'progress', 'summary']),
    )
    for (const event of events) expect(judge(event)).toBe('')
  })

  test('the events of one who watches', async () => {
    const judge = judgeOf('events', { isClosed: true })
    const watched = await runCli(['status', run, '--watch', '--json', ...APART], { cwd: dir.path })

    expect(watched.code).toBe(3)
    const events = linesOf(watched.stdout)
    expect(events.at(-1)).toMatchObject({ type: 'progress', finishedAt: expect.any(String) })
    for (const event of events) expect(judge(event)).toBe('')
  }, 60_000)

  test('the lines of results.jsonl', async () => {
    const judge = judgeOf('results', { isClosed: true })
    const results = linesOf(await readRunFile('results.jsonl'))

    expect(results.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded', 'failed'])
    for (const result of results) expect(judge(result)).toBe('')
  })

  test('run.json', async () => {
    const document: unknown = JSON.parse(await readRunFile('run.json'))

    expect(document).toMatchObject({ run, state: 'finished' })
    expect(judgeOf('run', { isClosed: true })(document)).toBe('')
  })

  test('the records, previews included', async () => {
    const judge = judgeOf('record', { isClosed: true })
    const records = dir.join('renders-demo', '_records')
    const files = (await readdir(records, { recursive: true })).filter((name) =>
      name.endsWith('.json'),
    )

    expect(files).toHaveLength(2)
    for (const file of files) {
      const record: unknown = JSON.parse(await readFile(join(records, file), 'utf8'))
      expect(judge(record)).toBe('')
    }
  })

  test('failed.jsonl, which is a manifest', async () => {
    const judge = judgeOf('manifest-line')
    const rows = linesOf(await readRunFile('failed.jsonl'))

    expect(rows).toMatchObject([{ id: 'sku-3', SKU: 'A-3' }])
    for (const row of rows) expect(judge(row)).toBe('')
  })
})

test('of a manifest with problems, the error', async () => {
  await using other = await tempDir()
  await writeFile(other.join('m.csv'), 'id,prompt,size\na,a mug,1x1\n')

  const { stdout, code } = await runCli(['run', 'm.csv', '--emulator', '--json'], {
    cwd: other.path,
  })

  expect(code).toBe(4)
  const [error] = linesOf(stdout)
  expect(error).toMatchObject({ type: 'error', problems: [{ column: 'size' }] })
  expect(judgeOf('events', { isClosed: true })(error)).toBe('')
})

describe('renderq schema', () => {
  test('lists, prints and writes', async () => {
    await using other = await tempDir()
    await mkdir(other.join('deep'))
    const listed = await runCli(['schema'], { cwd: other.path })
    const printed = await runCli(['schema', 'events'], { cwd: other.path })
    const written = await runCli(['schema', '--into', 'deep/schemas'], { cwd: other.path })

    expect([listed.code, printed.code, written.code]).toEqual([0, 0, 0])
    const files = await readdir(other.join('deep', 'schemas'))
    expect(files).toHaveLength(listed.stdout.trim().split('\n').length)
    const text = await readFile(other.join('deep', 'schemas', 'events.schema.json'), 'utf8')
    expect(text).toBe(printed.stdout)
  }, 60_000)

  test.each([
    ['event', /did you mean events\?/],
    ['nothing-like-it', /there are manifest, manifest-line/],
  ])('knows no "%s", and says what there is', async (name, message) => {
    await using other = await tempDir()
    const { code, stderr } = await runCli(['schema', name], { cwd: other.path })

    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
