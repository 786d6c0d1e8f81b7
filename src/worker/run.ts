/**
 * A run as a job: whichever worker holds it feeds the `renders` queue while that is short, collects results into
 * the store, and finishes. Each call is one short step; the cursor travels in the job, so a step that is lost
 * is taken again by somebody else, and every part of it may be repeated.
 */
import { ConfigError } from '../errors.ts'
import type { RenderJob, RunId } from '../job.ts'
import type { Logger } from '../logger.ts'
import type { ManifestPart, RowResult, RunBooks } from '../queue/ledger.ts'
import type { Queue, RenderCounts, RunCursor } from '../queue/queue.ts'
import { finishRun } from '../report/finish-run.ts'
import { jsonLinesOf } from '../storage/json-lines.ts'
import { resultsPartKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { getManifestPart, plannedRowOf, readResultsPart } from '../storage/stored-run.ts'

export interface RunTools {
  queue: Queue
  store: Store
  logger: Logger
  /** Tries per row. */
  attempts: number
  /** For files on their way into the store. */
  workDir: string
}

/** Rows on the queue, of all runs together: a few megabytes. */
const QUEUED_ROWS_MAX = 2_000
/** Of one run, before anything is known of its pace. */
const QUEUED_ROWS_MIN = 16
/** So much more than what was worked off since the last step, or is being worked on, may wait. */
const QUEUED_AHEAD_ALONE = 4
/** Among several runs: what one has queued is what the others wait for. */
const QUEUED_AHEAD_SHARED = 2
const STEP_INTERVAL_MS = 500
/** While workers wait for rows. */
const HUNGRY_STEP_INTERVAL_MS = 50
/** Parts of results smaller than this wait for the end of the run. */
const RESULT_ROWS_PER_PART = 1_000

export async function stepRun(
  run: RunId,
  cursor: RunCursor,
  tools: RunTools,
): Promise<{ againInMs: number; cursor: RunCursor } | 'over'> {
  // Counted before the books are read: a row leaves the queue after it is settled, so what is missing from
  // the queue by these two numbers is really missing.
  const counts = await tools.queue.renderCounts()
  const books = await tools.queue.ledger.books(run)
  if (books === undefined || books.finishedAt !== undefined) return 'over'
  if (books.store !== tools.store.url) throw otherStore(books, tools.store)
  const isSettled = books.settled >= books.rowCount
  const isOver = isSettled || (await isCancelled(books, tools))
  await collect(books, { isLast: isOver, tools })
  if (isOver) {
    await finishRun(run, tools)
    return 'over'
  }
  const nextRow = await goOn(books, { cursor, counts }, tools)
  const isHungry = counts.waiting === 0 && nextRow > cursor.nextRow
  const againInMs = isHungry ? HUNGRY_STEP_INTERVAL_MS : STEP_INTERVAL_MS
  return { againInMs, cursor: { nextRow, settled: books.settled } }
}

/** Once the calls that were sent have come in, a cancelled run is over. */
async function isCancelled({ run, state }: RunBooks, { queue }: RunTools): Promise<boolean> {
  return state === 'cancelled' && (await queue.ledger.callsInFlight(run)) === 0
}

interface Standing {
  cursor: RunCursor
  counts: RenderCounts
}

/** Returns the next row to feed. */
async function goOn(
  books: RunBooks,
  { cursor, counts }: Standing,
  tools: RunTools,
): Promise<number> {
  const { nextRow } = cursor
  if (books.state !== 'running') return nextRow
  if (nextRow < books.rowCount) return feed(books, { cursor, counts }, tools)
  if (queuedIn(counts) < books.rowCount - books.settled) await addLostRows(books, tools)
  return nextRow
}

const queuedIn = ({ waiting, active, delayed }: RenderCounts): number => waiting + active + delayed

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
  const standing = await readResultsPart(run, part + 1, store)
  if (standing === undefined) {
    throw new Error(`${store.locationOf(key)} is missing: the run can't go on`)
  }
  return standing
}

/** Adds rows as far as there is room, at most to the end of a part. Returns the next row to feed. */
async function feed(
  books: RunBooks,
  { cursor, counts }: Standing,
  tools: RunTools,
): Promise<number> {
  const from = cursor.nextRow
  const part = books.parts.find(({ firstRow, rowCount }) => from < firstRow + rowCount)
  const room = await roomFor(books, { cursor, counts }, tools)
  if (room <= 0 || part === undefined) return from
  const until = Math.min(from + room, part.firstRow + part.rowCount)
  const jobs = await unsettledJobs(books, { part, from, until }, tools)
  const { attempts } = tools
  await tools.queue.addRenders(jobs, { attempts, priority: books.priority })
  return until
}

/**
 * A run keeps some seconds of work on the queue, measured by its own pace, and never more than its share: so no
 * run waits behind the whole of another one, whichever came first.
 */
async function roomFor(
  books: RunBooks,
  { cursor, counts }: Standing,
  { queue }: RunTools,
): Promise<number> {
  const runCount = Math.max(1, await queue.runCount())
  const ahead = runCount === 1 ? QUEUED_AHEAD_ALONE : QUEUED_AHEAD_SHARED
  const pace = Math.max(books.settled - (cursor.settled ?? 0), counts.active / runCount)
  const share = QUEUED_ROWS_MAX / runCount
  const wanted = Math.floor(Math.min(share, Math.max(QUEUED_ROWS_MIN, ahead * pace)))
  const ownQueued = cursor.nextRow - books.settled
  return Math.min(wanted - ownQueued, QUEUED_ROWS_MAX - queuedIn(counts))
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
    const { attempts } = tools
    await tools.queue.addRenders(lost, { attempts, priority: books.priority })
  }
}

async function unsettledJobs(
  { run, parts }: RunBooks,
  { part, from, until }: { part: ManifestPart; from: number; until: number },
  { queue, store }: RunTools,
): Promise<RenderJob[]> {
  const unsettled = new Set(await queue.ledger.unsettledRows(run, from, until - from))
  if (unsettled.size === 0) return []
  const number = parts.indexOf(part) + 1
  const { bytes, place } = await getManifestPart(run, number, store)
  if (bytes === undefined) throw new Error(`${place} is missing: the run can't go on`)
  const range = { from: from - part.firstRow, until: until - part.firstRow }
  const jobs: RenderJob[] = []
  for (const line of jsonLinesOf(bytes, place, range)) {
    const { job } = plannedRowOf(line, place)
    if (unsettled.has(job.row)) jobs.push(job)
  }
  return jobs
}
