/** The rows of a run, put back into the order of the manifest. */
import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RenderJob, RunId } from '../../../src/job.ts'
import type { ManifestPart, RowResult } from '../../../src/queue/ledger.ts'
import type { ReportRow } from '../../../src/report/report-row.ts'
import { openRunRows, type RowsOfRun } from '../../../src/report/run-rows.ts'
import { manifestPartKey, resultsPartKey } from '../../../src/storage/keys.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { jobFor, newRun, resultFor } from '../../helpers/jobs.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

let dir: TempDir
let store: Store
let run: RunId
beforeEach(async () => {
  dir = await tempDir()
  store = await openStore({ kind: 'folder', dir: dir.join('store') })
  run = newRun()
})
afterEach(() => dir[Symbol.asyncDispose]())

async function putLines(key: string, values: readonly unknown[]): Promise<void> {
  const body = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
  await store.put(key, body, { contentType: 'application/x-ndjson', when: 'always' })
}

/** Each is made once: thousands of them take their time. */
const jobs = new Map<string, RenderJob>()
function jobOf(row: number): RenderJob {
  const job = jobs.get(`${run} ${row}`) ?? jobFor(run, row)
  jobs.set(`${run} ${row}`, job)
  return job
}

const planned = (row: number) => ({ job: jobOf(row), columns: { sku: `s-${row}` } })
const ended = (row: number, changes: Partial<RowResult> = {}) => resultFor(jobOf(row), changes)

/** Manifest parts of these sizes, and parts of results as given. */
async function storeRun(
  sizes: readonly number[],
  results: readonly (readonly RowResult[])[],
): Promise<RowsOfRun> {
  const parts: ManifestPart[] = []
  for (const rowCount of sizes) {
    const firstRow = parts.reduce((sum, part) => sum + part.rowCount, 0)
    parts.push({ firstRow, rowCount })
    const rows = Array.from({ length: rowCount }, (_, index) => planned(firstRow + index))
    await putLines(manifestPartKey(run, parts.length), rows)
  }
  for (const [index, part] of results.entries())
    await putLines(resultsPartKey(run, index + 1), part)
  return { run, parts, resultParts: results.length, state: 'running' }
}

async function readAll(of: RowsOfRun): Promise<ReportRow[]> {
  await using opened = await openRunRows(of, { store, dir: dir.join('work') })
  return await collected(opened.rows())
}

async function collected(rows: AsyncIterable<ReportRow>): Promise<ReportRow[]> {
  const all: ReportRow[] = []
  for await (const row of rows) all.push(row)
  return all
}

describe('the rows of a run', () => {
  test('come in manifest order, with their columns and the places of their pictures', async () => {
    const results = [[ended(4), ended(0), ended(3)], [ended(2, { outcome: 'reused' })], [ended(1)]]

    const rows = await readAll(await storeRun([2, 3], results))

    expect(rows.map(({ job, result }) => [job.row, result?.row])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ])
    expect(rows[2]).toMatchObject({ columns: { sku: 's-2' }, result: { outcome: 'reused' } })
    expect(rows[3]?.locations).toEqual([store.locationOf('test/row-3.png')])
  })

  test('of many parts, which ended in any order, come as they are, and may be read again', async () => {
    const count = 12_000
    const shuffled = Array.from({ length: count }, (_, index) => (index * 7_919) % count)
    const results = Array.from({ length: count / 1_000 }, (_, part) =>
      shuffled.slice(part * 1_000, (part + 1) * 1_000).map((row) => ended(row)),
    )
    const of = await storeRun([5_000, 5_000, 2_000], results)
    await using opened = await openRunRows(of, { store, dir: dir.join('work') })

    for (const rows of [await collected(opened.rows()), await collected(opened.rows())]) {
      expect(rows).toHaveLength(count)
      expect(rows.every(({ job, result }, row) => job.row === row && result?.row === row)).toBe(
        true,
      )
    }
  })

  test('leave nothing behind, whether read to the end or not', async () => {
    const of = await storeRun([1, 1], [[ended(0), ended(1)]])
    {
      await using opened = await openRunRows(of, { store, dir: dir.join('work') })
      for await (const _ of opened.rows()) break
    }
    await expect(readAll({ ...of, resultParts: 2 })).rejects.toThrow('part-00002.jsonl is missing')

    expect(await readdir(dir.path)).toEqual(['store'])
  })

  test('of a cancelled run may be without a result', async () => {
    const of = await storeRun([2, 2], [[ended(1)]])

    const rows = await readAll({ ...of, state: 'cancelled' })

    expect(rows.map(({ result }) => result?.row)).toEqual([undefined, 1, undefined, undefined])
    expect(rows[0]?.locations).toEqual([])
  })

  test('have their first result, should there be a second', async () => {
    const of = await storeRun([1], [[ended(0)], [ended(0, { outcome: 'failed' })]])

    expect(await readAll(of)).toMatchObject([{ result: { outcome: 'succeeded' } }])
  })

  test('of an earlier version, which stored bare jobs, have no columns', async () => {
    const of = await storeRun([1], [[ended(0)]])
    await putLines(manifestPartKey(run, 1), [planned(0).job])

    expect(await readAll(of)).toMatchObject([{ job: { id: 'row-0' }, columns: {} }])
  })
})

describe('what is not whole is said, with its place', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'a result',
      () => putLines(resultsPartKey(run, 1), [ended(0)]),
      /^run_\S+ has no result for row 2 \(row-1\): its results are not whole$/,
    ],
    [
      'a result of no row',
      () => putLines(resultsPartKey(run, 1), [ended(0), ended(1), ended(7)]),
      /part-00001\.jsonl has a result of row 7, which the manifest does not have$/,
    ],
    [
      'a row',
      () => putLines(manifestPartKey(run, 1), [planned(0)]),
      /manifest\/part-00001\.jsonl has 1 rows instead of 2$/,
    ],
    [
      'another row',
      () => putLines(manifestPartKey(run, 1), [planned(0), planned(2)]),
      /part-00001\.jsonl has row 2 in the place of 1$/,
    ],
    [
      'a line that is no row',
      () => putLines(manifestPartKey(run, 1), [planned(0), { x: 1 }]),
      /part-00001\.jsonl has a line that is no planned row$/,
    ],
    [
      'a line that was cut',
      () =>
        store.put(resultsPartKey(run, 1), Buffer.from('{"row":0}\n{"ro'), {
          contentType: 'application/x-ndjson',
          when: 'always',
        }),
      /part-00001\.jsonl:2 is no JSON: the file was cut or changed$/,
    ],
  ])('%s', async (_, damage, message) => {
    const of = await storeRun([2], [[ended(0), ended(1)]])
    await damage()

    await expect(readAll(of)).rejects.toThrow(message)
  })

  test('a part of the manifest', async () => {
    const of = await storeRun([1], [[ended(0)]])
    const parts = [...of.parts, { firstRow: 1, rowCount: 1 }]

    await expect(readAll({ ...of, parts })).rejects.toThrow(
      /manifest\/part-00002\.jsonl is missing: run_\S+ can't be reported$/,
    )
  })
})
