/**
 * Feeding: what a run has on the queue is kept at some seconds of work. Rows are put there in their order; those that
 * a server has lost since are put back.
 */
import type { RenderJob } from '../job.ts'
import type { Logger } from '../logger.ts'
import type { ManifestPart, RunBooks } from '../queue/ledger.ts'
import type { Queue, RenderCounts, RunCursor } from '../queue/queue.ts'
import { jsonLinesOf } from '../storage/json-lines.ts'
import type { Store } from '../storage/store.ts'
import { getManifestPart, plannedRowOf } from '../storage/stored-run.ts'

export interface FeedTools {
  queue: Queue
  store: Store
  logger: Logger
  /** Tries per row. */
  attempts: number
}

export interface Standing {
  cursor: RunCursor
  /** Of all runs, from before the books were read. */
  counts: RenderCounts
}

/** Rows on the queue, of all runs together: a few megabytes. */
const QUEUED_ROWS_MAX = 2_000
/** Of one run, before anything is known of its pace; and in one step, when others have filled the queue. */
const QUEUED_ROWS_MIN = 16
/** So much more than what was worked off since the last step, or is being worked on, may wait. */
const QUEUED_AHEAD_ALONE = 4
/** Among several runs: what one has queued is what the others wait for. */
const QUEUED_AHEAD_SHARED = 2
/** Rows of other runs on the queue hide from its counts that some of ours were lost. */
const LOOK_EVERY_MS = 30_000

/** Returns the cursor behind the rows that were fed. */
export async function feed(
  books: RunBooks,
  { cursor, counts }: Standing,
  tools: FeedTools,
): Promise<RunCursor> {
  const fed = cursor.nextRow
  const open = fed - books.settled
  const wanted = await rowsWanted(books, { cursor, counts }, tools)
  const queued = counts.waiting + counts.active + counts.delayed
  const isLookDue = queued < open || Date.now() - (cursor.lookedAt ?? 0) >= LOOK_EVERY_MS
  const isWhole = isLookDue && (await putBackFed(books, { fed, room: wanted }, tools))
  // Rows of paused runs stay on the queue for as long as people like: when it is full, there is still room for a few.
  const free = Math.max(QUEUED_ROWS_MAX - queued, Math.min(wanted, QUEUED_ROWS_MIN))
  const nextRow = await feedNext(books, { from: fed, room: Math.min(wanted - open, free) }, tools)
  return { ...cursor, nextRow, ...(isWhole && { lookedAt: Date.now() }) }
}

/** Rows that were fed and have no outcome should all be on the queue. Returns whether they are now. */
function putBackFed(
  books: RunBooks,
  { fed, room }: { fed: number; room: number },
  tools: FeedTools,
): Promise<boolean> {
  const openRows = async ({ firstRow, rowCount }: ManifestPart) =>
    firstRow >= fed
      ? []
      : tools.queue.ledger.unsettledRows(books.run, firstRow, Math.min(rowCount, fed - firstRow))
  return putBackLost(books, { rowsOf: openRows, room }, tools)
}

/**
 * Of the rows that are named for each part, those that were lost with a server are put back onto the queue, as long
 * as it has no more than `room` of them. Returns whether all are there now.
 */
export async function putBackLost(
  books: RunBooks,
  { rowsOf, room }: { rowsOf: (part: ManifestPart) => Promise<number[]>; room: number },
  tools: FeedTools,
): Promise<boolean> {
  let left = room
  for (const part of books.parts) {
    const rows = await rowsOf(part)
    const lost = await tools.queue.missingRenders(books.run, rows)
    left -= rows.length - lost.length
    const back = lost.slice(0, Math.max(0, left))
    await putBack(books, { part, rows: back }, tools)
    if (back.length < lost.length) return false
    left -= back.length
  }
  return true
}

async function putBack(
  books: RunBooks,
  { part, rows }: { part: ManifestPart; rows: readonly number[] },
  tools: FeedTools,
): Promise<void> {
  const [from, last] = [rows.at(0), rows.at(-1)]
  if (from === undefined || last === undefined) return
  // Some of them may have ended while we looked.
  const open = await unsettledJobs(books, { part, from, until: last + 1 }, tools)
  const gone = new Set(rows)
  const lost = open.filter(({ row }) => gone.has(row))
  if (lost.length === 0) return
  tools.logger.warn({ run: books.run, rows: lost.length }, 'putting lost rows back')
  await add(lost, books, tools)
}

/** Adds rows as far as there is room, at most to the end of a part. Returns the next row to feed. */
async function feedNext(
  books: RunBooks,
  { from, room }: { from: number; room: number },
  tools: FeedTools,
): Promise<number> {
  const part = books.parts.find(({ firstRow, rowCount }) => from < firstRow + rowCount)
  if (room <= 0 || part === undefined) return from
  const until = Math.min(from + room, part.firstRow + part.rowCount)
  await add(await unsettledJobs(books, { part, from, until }, tools), books, tools)
  return until
}

/**
 * A run keeps some seconds of work on the queue, measured by its own pace, and never more than its share: so no
 * run waits behind the whole of another one, whichever came first. However many runs there are, each one moves.
 */
async function rowsWanted(
  books: RunBooks,
  { cursor, counts }: Standing,
  { queue }: FeedTools,
): Promise<number> {
  const runCount = Math.max(1, await queue.runCount())
  const ahead = runCount === 1 ? QUEUED_AHEAD_ALONE : QUEUED_AHEAD_SHARED
  const pace = Math.max(books.settled - (cursor.settled ?? 0), counts.active / runCount)
  const share = Math.max(1, QUEUED_ROWS_MAX / runCount)
  return Math.floor(Math.min(share, Math.max(QUEUED_ROWS_MIN, ahead * pace)))
}

function add(
  jobs: readonly RenderJob[],
  { priority }: RunBooks,
  { queue, attempts }: FeedTools,
): Promise<void> {
  return queue.addRenders(jobs, { attempts, priority })
}

async function unsettledJobs(
  { run, parts }: RunBooks,
  { part, from, until }: { part: ManifestPart; from: number; until: number },
  { queue, store }: FeedTools,
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
