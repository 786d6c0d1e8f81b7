import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { parse } from 'csv-parse/sync'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { RenderJob, RunId } from '../../../src/job.ts'
import type { Ledger, RowResult, RunBooks } from '../../../src/queue/ledger.ts'
import { planManifest } from '../../../src/producer/plan.ts'
import { noReasons } from '../../../src/reason.ts'
import { finishRun } from '../../../src/report/finish-run.ts'
import { RunDocument } from '../../../src/run-document.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import { manifestPartKey, resultsPartKey, runKey } from '../../../src/storage/keys.ts'
import type { Store } from '../../../src/storage/store.ts'
import { entryFor, jobFor, newRun, resultFor } from '../../helpers/jobs.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

let dir: TempDir
let store: Store
let run: RunId
beforeEach(async () => {
  dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  store = await openStore({ kind: 'folder', dir: dir.join('store') })
  run = newRun()
})

interface Given {
  job: RenderJob
  columns: Record<string, unknown>
  result: RowResult | undefined
}

/** Stores a run whose rows ended in another order than they began. */
async function storeRun(rows: readonly Given[], perPart: number): Promise<RunBooks> {
  const parts = []
  for (let first = 0; first < rows.length; first += perPart) {
    const part = rows.slice(first, first + perPart)
    parts.push({ firstRow: first, rowCount: part.length })
    const lines = part.map(({ job, columns }) => `${JSON.stringify({ job, columns })}\n`)
    await put(manifestPartKey(run, parts.length), lines.join(''))
  }
  const results = rows.flatMap(({ result }) => result ?? []).toReversed()
  let resultParts = 0
  for (let first = 0; first < results.length; first += 1_000) {
    resultParts += 1
    const lines = results.slice(first, first + 1_000).map((result) => `${JSON.stringify(result)}\n`)
    await put(resultsPartKey(run, resultParts), lines.join(''))
  }
  const outcomes = { succeeded: 0, reused: 0, failed: 0, refused: 0, held: 0, cancelled: 0 }
  for (const { outcome } of results) outcomes[outcome] += 1
  return {
    ...entryFor(run, rows.length, { parts, store: store.url }),
    state: results.length === rows.length ? 'running' : 'cancelled',
    outcomes,
    settled: results.length,
    pictures: 0,
    calls: 0,
    unknownCalls: 0,
    costMicroUsd: 0,
    resultParts,
  }
}

const put = (key: string, text: string) =>
  store.put(key, Buffer.from(text), { contentType: 'application/json', when: 'always' })

/** Returns when it was said to be over; `left` is what lies in the work folder afterwards. */
async function finish(books: RunBooks, left: string[] = []): Promise<number[]> {
  const ended: number[] = []
  const ledger = {
    books: async () => books,
    finishRun: async (_: RunId, at: number) => void ended.push(at),
  } as unknown as Ledger
  const workDir = dir.join('work')
  try {
    await finishRun(run, { queue: { ledger }, store, workDir })
  } finally {
    expect(await readdir(workDir).catch(() => [])).toEqual(left)
  }
  return ended
}

const read = async (name: string) =>
  (await store.get(runKey(run, name), { bytesMax: 1e9 }))?.toString('utf8') ?? ''
const linesOf = async (name: string) =>
  (await read(name))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

const csvRows = async () =>
  parse(await read('results.csv'), { bom: true, columns: true }) as Record<string, string>[]

function row(index: number, changes: Partial<RowResult> | undefined, sku = `sku-${index}`): Given {
  const job = jobFor(run, index, { id: sku })
  const columns = { sku, title: `Mug "${index}", blue`, price: '-4.50' }
  return { job, columns, result: changes && resultFor(job, changes) }
}

const REFUSED: Partial<RowResult> = { outcome: 'refused', keys: [], errorCode: 'content_refused' }
const LISTS = ['results.jsonl', 'results.csv', 'failed.jsonl', 'report.html']

describe('the end of a run', () => {
  test('writes its rows in the order of the manifest, and why some failed', async () => {
    const books = await storeRun(
      [
        row(0, { reason: 'changed' }),
        row(1, { outcome: 'failed', keys: [], errorCode: 'request_rejected', error: '=cmd()' }),
        row(2, { outcome: 'reused', reason: 'unchanged' }),
        row(3, { outcome: 'refused', keys: [], errorCode: 'content_refused', error: 'no' }),
        row(4, {}),
      ],
      2,
    )
    const entered = { columns: ['sku', 'title', 'price'], schedule: 'nightly' }
    await putDocument(books, entered)

    expect(await finish(books)).toHaveLength(1)

    expect((await linesOf('results.jsonl')).map(({ id }) => id)).toEqual([
      'sku-0',
      'sku-1',
      'sku-2',
      'sku-3',
      'sku-4',
    ])
    const csv = await csvRows()
    expect(Object.keys(csv[0]!).slice(0, 5)).toEqual(['sku', 'title', 'price', '_status', '_key'])
    expect(csv[0]).toMatchObject({
      sku: 'sku-0',
      title: 'Mug "0", blue',
      price: '-4.50',
      _status: 'succeeded',
      _url: `file://${store.locationOf('test/row-0.png')}`,
    })
    expect(csv[1]).toMatchObject({ _status: 'failed', _error: "'=cmd()" })
    expect(RunDocument.parse(JSON.parse(await read('run.json')))).toMatchObject({
      schedule: 'nightly',
      state: 'finished',
      left: 0,
      outcomes: { succeeded: 2, reused: 1, failed: 1, refused: 1 },
      // One row is of a version that did not say why.
      reasons: { ...noReasons(), changed: 1, unchanged: 1 },
    })
    expect(await read('_SUCCESS')).toBe(`${run}\n`)
    expect(await read('report.html')).toContain('sku-3')
  })

  test('says of each file what it is', async () => {
    const types = new Map<string, string>()
    const undisturbed = store.put.bind(store)
    store.put = async (key, body, options) => {
      types.set(basename(key), options.contentType)
      return undisturbed(key, body, options)
    }

    await finish(await storeRun([row(0, {})], 1))

    expect(Object.fromEntries(types)).toMatchObject({
      'results.jsonl': 'application/x-ndjson',
      'results.csv': 'text/csv; charset=utf-8',
      'failed.jsonl': 'application/x-ndjson',
      'report.html': 'text/html; charset=utf-8',
      'run.json': 'application/json',
      _SUCCESS: 'text/plain',
    })
  })

  test('gives the rows without pictures as a manifest that means the same', async () => {
    const failed = row(1, { outcome: 'failed', keys: [], errorCode: 'x', error: 'y' })
    const input = {
      kind: 'stored' as const,
      key: `_inputs/${'a'.repeat(64)}.png`,
      sha256: 'a'.repeat(64),
      mediaType: 'image/png',
      byteCount: 5,
    }
    const edited = jobFor(run, 2, {
      id: '7',
      operation: 'edit',
      images: [input, { kind: 'url', url: 'https://pictures.example/1.png' }],
      request: {
        model: 'gpt-image-2',
        n: 2,
        prompt: 'a {{ mug }} of {% old %}',
        size: '1024x1024',
        quality: 'low',
      },
    })
    const held = { job: edited, columns: { prompt: 'old', count: '2' }, result: undefined }
    const books = await storeRun([row(0, {}), failed, held], 10)

    await finish(books)

    const manifest = dir.join('failed.jsonl')
    await writeFile(manifest, await read('failed.jsonl'))
    await mkdir(dir.join('plan'))
    await using plan = await planManifest({
      manifest,
      run: newRun(),
      existing: 'replace',
      server: 'other',
      today: new Date('2026-11-21'),
      workDir: dir.join('plan'),
    })
    expect(plan.rowCount).toBe(2)
    expect(plan.warnings).toEqual([])
    const jobs = (await readFile(plan.parts[0]!.file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { job: RenderJob }).job)
    for (const [index, before] of [failed.job, edited].entries()) {
      const { id, operation, key, images, request } = before
      expect(jobs[index]).toMatchObject({ id, operation, key, images, request })
      expect(jobs[index]?.fingerprint).toBe(before.fingerprint)
    }
  })

  test('of a cancelled run counts what never ended', async () => {
    const books = await storeRun([row(0, {}), row(1, undefined), row(2, undefined)], 2)

    await finish(books)

    expect(JSON.parse(await read('run.json'))).toMatchObject({
      state: 'cancelled',
      outcomes: { succeeded: 1, cancelled: 2 },
    })
    const csv = await csvRows()
    expect(csv.map(({ _status }) => _status)).toEqual(['succeeded', 'cancelled', 'cancelled'])
    expect(await linesOf('failed.jsonl')).toHaveLength(2)
  })

  test('of 12,000 rows in three parts', async () => {
    const books = await storeRun(
      Array.from({ length: 12_000 }, (_, index) => row(index, index % 3 === 0 ? REFUSED : {})),
      5_000,
    )

    await finish(books)

    const rows = (await linesOf('results.jsonl')).map(({ row: at }) => at)
    expect(rows).toEqual(Array.from({ length: 12_000 }, (_, index) => index))
    expect(await linesOf('failed.jsonl')).toHaveLength(4_000)
  }, 60_000)

  test.each([1, 2, 3, 4, 5, 6])('comes to the same after a crash at file %d', async (failAt) => {
    const books = await storeRun(
      Array.from({ length: 10 }, (_, index) => row(index, index % 3 === 0 ? REFUSED : {})),
      4,
    )
    await putDocument(books, { columns: ['sku', 'title'] })
    const undisturbed = store.put.bind(store)
    let puts = 0
    store.put = async (...args) => {
      puts += 1
      if (puts === failAt) throw new Error('the store is away')
      return undisturbed(...args)
    }

    await expect(finish(books)).rejects.toThrow('the store is away')
    expect(await read('_SUCCESS')).toBe('')
    const before = await read('run.json')
    const [finishedAt] = await finish(books)
    const files = await Promise.all(LISTS.map(read))
    await finish(books)

    expect(await Promise.all(LISTS.map(read))).toEqual(files)
    expect(await linesOf('results.jsonl')).toHaveLength(10)
    expect(await linesOf('failed.jsonl')).toHaveLength(4)
    // A document that says when it was over is right, even if nothing else came after it.
    const over = new Date(finishedAt!).toISOString()
    expect(JSON.parse(await read('run.json'))).toMatchObject({ finishedAt: over })
    if (failAt === 6) expect(JSON.parse(before)).toMatchObject({ finishedAt: over })
  })

  test('is over once: closed books are left alone', async () => {
    const books = await storeRun([row(0, {})], 1)

    expect(await finish({ ...books, finishedAt: 1 })).toEqual([])
    expect(await read('results.jsonl')).toBe('')
  })

  test('takes away what a killed process has left, but not what another one is at', async () => {
    const books = await storeRun([row(0, {})], 1)
    const [old, fresh] = [dir.join('work', 'run_0000000000-a'), dir.join('work', `${run}-b`)]
    for (const folder of [old, fresh]) await mkdir(folder, { recursive: true })
    await utimes(old, new Date(0), new Date(0))

    expect(await finish(books, [`${run}-b`])).toHaveLength(1)
  })

  test('of a cancelled run waits for every result that was booked', async () => {
    const books = await storeRun([row(0, {}), row(1, undefined)], 2)

    await expect(finish({ ...books, settled: 2 })).rejects.toThrow(
      /has 2 rows that ended and 1 results: they are not whole/,
    )
    expect(await read('_SUCCESS')).toBe('')
  })

  test('is not there while a result is missing', async () => {
    const books = await storeRun([row(0, {}), row(1, {})], 2)
    await put(resultsPartKey(run, 1), `${JSON.stringify(row(0, {}).result)}\n`)

    await expect(finish(books)).rejects.toThrow(/has no result for row 2 \(sku-1\)/)
    expect(await read('_SUCCESS')).toBe('')
  })

  async function putDocument(books: RunBooks, changes: Partial<RunDocument>) {
    const { finishRun: _, ...rest } = { finishRun: 0, ...changes }
    const document = {
      version: 1,
      run,
      manifest: 'test',
      manifestSha256: '',
      digest: 'd',
      store: store.url,
      rows: books.rowCount,
      picturesPlanned: books.rowCount,
      byOperation: { generate: books.rowCount, edit: 0, variation: 0 },
      costPlannedUsd: 1,
      parts: books.parts,
      columns: [],
      priority: 'normal',
      flags: {},
      retryOf: null,
      schedule: null,
      versions: { renderq: '0', node: '0' },
      state: 'running',
      outcomes: books.outcomes,
      left: books.rowCount,
      pictures: 0,
      calls: 0,
      unknownCalls: 0,
      costUsd: 0,
      enteredAt: new Date(0).toISOString(),
      finishedAt: null,
      ...rest,
    }
    await put(runKey(run, 'run.json'), JSON.stringify(RunDocument.parse(document)))
  }
})
