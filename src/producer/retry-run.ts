/** The rows of a run that did not succeed become a run of their own; the old one stays as it ended. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { ConfigError } from '../errors.ts'
import type { PlannedRow, RenderJob, RunId } from '../job.ts'
import type { Outcome } from '../outcome.ts'
import type { Ledger, RowResult } from '../queue/ledger.ts'
import type { Queue } from '../queue/queue.ts'
import type { RunDocument } from '../run-document.ts'
import { jsonLinesOf } from '../storage/json-lines.ts'
import type { Store } from '../storage/store.ts'
import { getManifestPart, plannedRowOf, readResultsPart } from '../storage/stored-run.ts'
import { enqueuePlan } from './enqueue.ts'
import type { Plan } from './plan.ts'
import { PlanParts, ROWS_PER_PART } from './plan-parts.ts'
import { requireDocument } from './require-document.ts'
import { RunTally } from './run-tally.ts'

const UNSUCCESSFUL: ReadonlySet<Outcome> = new Set(['failed', 'refused', 'held'])

/** How a row ended, as far as it matters for trying it again. */
export type RowEnd = Pick<
  RowResult,
  'row' | 'id' | 'outcome' | 'errorCode' | 'error' | 'attempts' | 'calls'
>

export interface RetryOptions {
  /** The new run's id. */
  as: RunId
  /** Of the rows that did not succeed, only these. */
  where?: (end: RowEnd) => boolean
}

export interface Retried {
  run: RunId
  rowCount: number
}

/** Throws ConfigError when there is no such run, or it has no such rows. */
export async function retryRun(
  run: string,
  { as, where = () => true }: RetryOptions,
  { queue, store, workDir }: { queue: Queue; store: Store; workDir: string },
): Promise<Retried> {
  const document = await requireDocument(run, store)
  const rows = await chooseRows(document, { where, ledger: queue.ledger, store })
  await using plan = await planRetry(document, { as, rows, store, workDir })
  if (plan.rowCount === 0) {
    throw new ConfigError(`${run} has no such rows: "show" says how its rows ended`)
  }
  const { priority, flags } = document
  const terms = { priority, flags, retryOf: document.run }
  const entered = await enqueuePlan(plan, { queue, store }, terms)
  return { run: entered.run, rowCount: plan.rowCount }
}

interface ChosenRows {
  has(job: RenderJob): boolean
  /** True when a row with that number may be among them. */
  mayHave(row: number): boolean
}

async function chooseRows(
  document: RunDocument,
  { where, ...source }: { where: (end: RowEnd) => boolean; ledger: Ledger; store: Store },
): Promise<ChosenRows> {
  const ended = new Set<number>()
  const wanted = new Set<number>()
  for await (const result of resultsOf(document, source)) {
    ended.add(result.row)
    if (UNSUCCESSFUL.has(result.outcome) && where(result)) wanted.add(result.row)
  }
  // In a cancelled run, rows that never had their turn have no result.
  const isLeft =
    document.state === 'cancelled' && document.finishedAt !== null
      ? (row: number) => !ended.has(row)
      : () => false
  return {
    has: ({ row, id }) => wanted.has(row) || (isLeft(row) && where(cancelledRow(row, id))),
    mayHave: (row) => wanted.has(row) || isLeft(row),
  }
}

/** The ledger is read first: what it gives away meanwhile is in a part by then. */
async function* resultsOf(
  { run, rows }: RunDocument,
  { ledger, store }: { ledger: Ledger; store: Store },
): AsyncGenerator<RowResult> {
  yield* await ledger.uncollected(run, rows)
  for (let part = 1; ; part++) {
    const results = await readResultsPart(run, part, store)
    if (results === undefined) return
    yield* results
  }
}

const cancelledRow = (row: number, id: string): RowEnd => ({
  row,
  id,
  outcome: 'cancelled',
  errorCode: null,
  error: null,
  attempts: 0,
  calls: 0,
})

function mayHaveAnyOf(
  rows: ChosenRows,
  { firstRow, rowCount }: RunDocument['parts'][number],
): boolean {
  for (let at = firstRow; at < firstRow + rowCount; at++) if (rows.mayHave(at)) return true
  return false
}

interface RetrySource {
  as: RunId
  rows: ChosenRows
  store: Store
  workDir: string
}

async function planRetry(
  document: RunDocument,
  { as, rows, store, workDir }: RetrySource,
): Promise<Plan> {
  await mkdir(workDir, { recursive: true })
  const parts = new PlanParts(workDir, ROWS_PER_PART)
  const tally = new RunTally()
  let row = 0
  for (const [index, part] of document.parts.entries()) {
    if (!mayHaveAnyOf(rows, part)) continue
    const { bytes, place } = await getManifestPart(document.run, index + 1, store)
    if (bytes === undefined) throw new ConfigError(`${place} is missing`)
    for (const line of jsonLinesOf(bytes, place)) {
      const planned = plannedRowOf(line, place)
      if (!rows.has(planned.job)) continue
      const again: PlannedRow = { ...planned, job: { ...planned.job, run: as, row } }
      row += 1
      tally.add(again.job)
      await parts.add(again)
    }
  }
  const digest = createHash('sha256').update(as).digest('hex')
  return {
    run: as,
    manifestName: document.manifest,
    manifestSha256: document.manifestSha256,
    ...tally.totals(),
    // A retry is never the same work as another one.
    digest,
    columns: document.columns,
    warnings: [],
    parts: await parts.finish(),
    inputs: [],
    [Symbol.asyncDispose]: () => parts.remove(),
  }
}
