/**
 * A run as a job: whichever worker holds it feeds the `renders` queue while that is short, collects results into
 * the store, and finishes. Each call is one short step; the cursor travels in the job, so a step that is lost
 * is taken again by somebody else, and every part of it may be repeated.
 */
import { ConfigError } from '../errors.ts'
import type { RunId } from '../job.ts'
import type { ManifestPart, RowResult, RowsInFlight, RunBooks } from '../queue/ledger.ts'
import type { RunCursor } from '../queue/queue.ts'
import { finishRun } from '../report/finish-run.ts'
import { resultsPartKey, runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { readResultsPart } from '../storage/stored-run.ts'
import { feed, putBackLost, type FeedTools, type Standing } from './feed.ts'

export interface RunTools extends FeedTools {
  /** For files on their way into the store. */
  workDir: string
}

const STEP_INTERVAL_MS = 500
/** While workers wait for rows. */
const HUNGRY_STEP_INTERVAL_MS = 50
/**
 * A cancelled run waits ten minutes for answers that are paid and lie in spools. Counted are steps that reached the
 * store: while it is away, nobody could have stored them.
 */
export const STEPS_FOR_ANSWERS_MAX = 1_200
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
  const inFlight =
    books.state === 'cancelled' ? await tools.queue.ledger.rowsInFlight(run) : undefined
  const isSettled = books.settled >= books.rowCount
  const isOver = isSettled || (inFlight !== undefined && hasLanded(inFlight, cursor))
  await collect(books, { isLast: isOver, tools })
  if (isOver) {
    await tools.queue.ledger.giveUpAnswers(run)
    await finishRun(run, tools)
    return 'over'
  }
  const next =
    inFlight === undefined
      ? await goOn(books, { cursor, counts }, tools)
      : await awaitCalls(books, { cursor, inFlight }, tools)
  const isHungry = counts.waiting === 0 && next.nextRow > cursor.nextRow
  const againInMs = isHungry ? HUNGRY_STEP_INTERVAL_MS : STEP_INTERVAL_MS
  return { againInMs, cursor: { ...next, settled: books.settled } }
}

/** Once the calls that were sent have come in and their answers are stored, a cancelled run is over. */
function hasLanded(
  { calling, answered }: RowsInFlight,
  { stepsForAnswers = 0 }: RunCursor,
): boolean {
  return calling.length === 0 && (answered.length === 0 || stepsForAnswers >= STEPS_FOR_ANSWERS_MAX)
}

/** Returns where the next step goes on. */
async function goOn(books: RunBooks, standing: Standing, tools: RunTools): Promise<RunCursor> {
  return books.state === 'running' ? feed(books, standing, tools) : standing.cursor
}

/** Only by the queue does a row come to the worker that can say what became of its call. */
async function awaitCalls(
  books: RunBooks,
  { cursor, inFlight: { calling, answered } }: { cursor: RunCursor; inFlight: RowsInFlight },
  tools: RunTools,
): Promise<RunCursor> {
  const inFlight = [...calling, ...answered].toSorted((one, other) => one - other)
  const ofPart = async ({ firstRow, rowCount }: ManifestPart) =>
    inFlight.filter((row) => row >= firstRow && row < firstRow + rowCount)
  await putBackLost(books, { rowsOf: ofPart, room: inFlight.length }, tools)
  if (calling.length > 0) return cursor
  await tools.store.head(runKey(books.run, 'run.json'))
  return { ...cursor, stepsForAnswers: (cursor.stepsForAnswers ?? 0) + 1 }
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
    if (!(await ledger.bookPart(books.run, part, stored))) return
  }
}

/** A part that is already there was stored by a step that died before booking it: it stands. */
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
