/** A run's row is shown as that run left it, whatever other runs did with the same row later. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RenderJob, RunId } from '../../../src/job.ts'
import type { Ledger, RowResult } from '../../../src/queue/ledger.ts'
import { rowDetails } from '../../../src/report/show-row.ts'
import { whyRow } from '../../../src/report/why-row.ts'
import { manifestPartKey, recordKey, resultsPartKey } from '../../../src/storage/keys.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { documentOf } from '../../helpers/report-rows.ts'
import { jobFor, newRun, recordFor, resultFor } from '../../helpers/jobs.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

let dir: TempDir
let store: Store
beforeEach(async () => {
  dir = await tempDir()
  store = await openStore({ kind: 'folder', dir: dir.join('store') })
})
afterEach(() => dir[Symbol.asyncDispose]())

const nothingWaits = { uncollected: async () => [] } as unknown as Ledger

async function put(key: string, value: unknown): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  await store.put(key, body, { contentType: 'application/json', when: 'always' })
}

/** The row of a run that is over, with the record that stands for it by now. */
async function lookAt(
  job: RenderJob,
  result: Partial<RowResult>,
  record: { run: RunId; requestId: string },
) {
  await put(manifestPartKey(job.run, 1), { job, columns: {} })
  await put(resultsPartKey(job.run, 1), resultFor(job, result))
  const at = '2026-02-01T08:30:00.000Z'
  const timings = { startedAt: at, finishedAt: at, requestMs: 1 }
  await put(recordKey(job.fingerprint), recordFor(job, { ...record, timings }))
  const document = {
    ...documentOf(job.run, []),
    parts: [{ firstRow: 0, rowCount: 1 }],
    finishedAt: '2026-01-31T12:00:00.000Z',
  }
  const found = {
    run: job.run,
    manifest: 'm.csv',
    books: undefined,
    document,
    summary: { rows: 1, finishedAt: document.finishedAt },
    store,
    [Symbol.asyncDispose]: async () => {},
  }
  const details = await rowDetails(job.id, found as never, nothingWaits)
  return { details, why: (await whyRow(details, store)).sentences.join('; ') }
}

test('its own record is shown with it', async () => {
  const job = jobFor(newRun(), 0)

  const { details } = await lookAt(job, {}, { run: job.run, requestId: 'req_1' })

  expect(details).toMatchObject({ outcome: 'succeeded', record: { requestId: 'req_1' } })
  expect(details.since).toBeUndefined()
})

test('a reused row is shown with the record that it reused', async () => {
  const job = jobFor(newRun(), 0)
  const earlier = { run: newRun(), requestId: 'req_1' }

  const { details, why } = await lookAt(job, { outcome: 'reused', requestId: 'req_1' }, earlier)

  expect(details.record?.run).toBe(earlier.run)
  expect(details.since).toBeUndefined()
  expect(why).toContain(`rendered by ${earlier.run}`)
})

test.each([
  ['failed', { outcome: 'failed', keys: [], errorCode: 'api_unavailable', error: 'gone' }],
  ['reused what was there then', { outcome: 'reused', requestId: 'req_1' }],
  ['rendered what was forced again', { outcome: 'succeeded', requestId: 'req_1' }],
] as const)(
  'a row that %s keeps its own story; the later record comes after it',
  async (_, result) => {
    const job = jobFor(newRun(), 0)
    const later = { run: newRun(), requestId: 'req_2' }

    const { details, why } = await lookAt(job, result, later)

    expect(details.record).toBeUndefined()
    expect(details.since?.run).toBe(later.run)
    expect(details.pictures.map(({ key }) => key)).toEqual(details.result?.keys)
    expect(why).toContain(`since then it was rendered by ${later.run} on 2026-02-01 08:30 UTC`)
  },
)

test('a row that is not there is guessed by the beginning of its id', async () => {
  const job = jobFor(newRun(), 0, { id: 'SKU-01-RO' })
  const other = jobFor(job.run, 1, { id: 'SKU-14-RO' })
  const lines = [job, other].map((job) => JSON.stringify({ job, columns: {} })).join('\n')
  const key = manifestPartKey(job.run, 1)
  await store.put(key, Buffer.from(lines), { contentType: 'application/json', when: 'always' })
  const document = { ...documentOf(job.run, []), parts: [{ firstRow: 0, rowCount: 2 }] }
  const found = { run: job.run, books: undefined, document, store }

  await expect(rowDetails('SKU-14', found as never, nothingWaits)).rejects.toThrow(
    'has no row "SKU-14": did you mean SKU-14-RO?',
  )
})
