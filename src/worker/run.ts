/**
 * A run as a job: whichever worker holds it feeds the `renders` queue while that is short, collects results into
 * the store, and finishes. Each call is one short step; the cursor travels in the job, so a step that is lost
 * is taken again by somebody else, and every part of it may be repeated.
 */
import { ConfigError } from '../errors.ts'
import { RenderJob, type RunId } from '../job.ts'
import type { Logger } from '../logger.ts'
import type { ManifestPart, RowResult, RunBooks } from '../queue/ledger.ts'
import type { Queue, RunCursor } from '../queue/queue.ts'
import { finishRun } from '../report/finish-run.ts'
import { manifestPartKey, resultsPartKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

export interface RunTools {
  queue: Queue
  store: Store
  logger: Logger
  /** Tries per row. */
  attempts: number
}

/** Rows on the queue, of all runs together. Seconds to minutes of work for a fleet; a few megabytes. */
const QUEUED_ROWS_MAX = 2_000
/** Feeding reads a whole part, so it waits until there is room worth it. */
const QUEUED_ROWS_MIN = 1_000
const STEP_INTERVAL_MS = 500
/** Parts of results smaller than this wait for the end of the run. */
const RESULT_ROWS_PER_PART = 1_000
/** A part has thousands of rows of a few kilobytes, prompts up to 32,000 characters at worst. */
const PART_BYTES_MAX = 512 * 1024 * 1024

export async function stepRun(
  run: RunId,
  cursor: RunCursor,
  tools: RunTools,
): Promise<{ againInMs: number; cursor: RunCursor } | 'over'> {
  // Counted before the books are read: a row leaves the queue after it is settled, so what is missing from
  // the queue by these two numbers is really missing.
  const queuedRows = await countQueued(tools.queue)
  const books = await tools.queue.ledger.books(run)
  if (books === undefined || books.state !== 'running') return 'over'
  if (books.store !== tools.store.url) throw otherStore(books, tools.store)
  const isSettled = books.settled >= books.rowCount
  await collect(books, { isLast: isSettled, tools })
  if (isSettled) {
    await finishRun(run, tools)
    return 'over'
  }
  if (cursor.nextRow < books.rowCount) {
    const nextRow = await feed(books, { from: cursor.nextRow, queuedRows }, tools)
    return { againInMs: STEP_INTERVAL_MS, cursor: { nextRow } }
  }
  if (queuedRows < books.rowCount - books.settled) await addLostRows(books, tools)
  return { againInMs: STEP_INTERVAL_MS, cursor }
}

async function countQueued(queue: Queue): Promise<number> {
  const { waiting, active, delayed } = await queue.renderCounts()
  return waiting + active + delayed
}

/** Thrown again and again, with growing waits, until a worker with the right store takes the run. */
function otherStore({ run, store }: RunBooks, ours: Store): ConfigError {
  return new ConfigError(
    `${run} belongs to ${store}, this worker stores into ${ours.url}: give all workers of a queue one store, ` +
      'or keep them apart with --namespace',
  )
}

async function collect(
  books: RunBooks,
  { isLast, tools }: { isLast: boolean; tools: RunTools },
): Promise<void> {
  const { ledger } = tools.queue
  for (let part = books.resultParts; ; part++) {
    const results = await ledger.uncollected(books.run, RESULT_ROWS_PER_PART)
    if (results.length === 0 || (results.length < RESULT_ROWS_PER_PART && !isLast)) return
    const stored = await storeResults(books.run, { part, results }, tools.store)
    if (!(await ledger.acknowledge(books.run, part, stored))) return
  }
}

/** A part that is already there was stored by a step that died before acknowledging it: it stands. */
async function storeResults(
  run: RunId,
  { part, results }: { part: number; results: readonly RowResult[] },
  store: Store,
): Promise<readonly RowResult[]> {
  const key = resultsPartKey(run, part + 1)
  const body = Buffer.from(results.map((result) => `${JSON.stringify(result)}\n`).join(''))
  const put = await store.put(key, body, { contentType: 'application/x-ndjson', when: 'absent' })
  if (put.kind === 'stored') return results
  return parseLines(await readPart(store, key)).map((line) => line as RowResult)
}

/** Adds rows as far as there is room, at most to the end of a part. Returns the next row to feed. */
async function feed(
  books: RunBooks,
  { from, queuedRows }: { from: number; queuedRows: number },
  tools: RunTools,
): Promise<number> {
  const room = QUEUED_ROWS_MAX - queuedRows
  const part = books.parts.find(({ firstRow, rowCount }) => from < firstRow + rowCount)
  if (queuedRows > QUEUED_ROWS_MIN || part === undefined) return from
  const until = Math.min(from + room, part.firstRow + part.rowCount)
  const jobs = await unsettledJobs(books, { part, from, until }, tools)
  await tools.queue.addRenders(jobs, { attempts: tools.attempts })
  return until
}

/** Everything was fed, yet the queue holds fewer rows than are missing: some were lost with a server. */
async function addLostRows(books: RunBooks, tools: RunTools): Promise<void> {
  for (const part of books.parts) {
    const rows = { part, from: part.firstRow, until: part.firstRow + part.rowCount }
    const gone = await tools.queue.missingRenders(await unsettledJobs(books, rows, tools))
    if (gone.length === 0) continue
    // Some of them may have ended while we looked.
    const { ledger } = tools.queue
    const unsettled = new Set(await ledger.unsettledRows(books.run, part.firstRow, part.rowCount))
    const lost = gone.filter(({ row }) => unsettled.has(row))
    if (lost.length === 0) continue
    tools.logger.warn({ run: books.run, rows: lost.length }, 'putting lost rows back')
    await tools.queue.addRenders(lost, { attempts: tools.attempts })
  }
}

async function unsettledJobs(
  { run, parts }: RunBooks,
  { part, from, until }: { part: ManifestPart; from: number; until: number },
  { queue, store }: RunTools,
): Promise<RenderJob[]> {
  const unsettled = new Set(await queue.ledger.unsettledRows(run, from, until - from))
  if (unsettled.size === 0) return []
  const lines = parseLines(await readPart(store, manifestPartKey(run, parts.indexOf(part) + 1)))
  return lines
    .slice(from - part.firstRow, until - part.firstRow)
    .map((line) => RenderJob.parse(line))
    .filter(({ row }) => unsettled.has(row))
}

async function readPart(store: Store, key: string): Promise<string> {
  const bytes = await store.get(key, { bytesMax: PART_BYTES_MAX })
  if (bytes === undefined)
    throw new Error(`${store.locationOf(key)} is missing: the run can't go on`)
  return bytes.toString('utf8')
}

function parseLines(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}
