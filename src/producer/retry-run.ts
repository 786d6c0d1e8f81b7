/** The rows of a run that did not succeed become a run of their own; the old one stays as it ended. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { ConfigError } from '../errors.ts'
import type { PlannedRow, RunId } from '../job.ts'
import type { Outcome } from '../outcome.ts'
import type { RowResult } from '../queue/ledger.ts'
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

export interface RetryOptions {
  /** The new run's id. */
  as: RunId
  /** Of the rows that did not succeed, only these. */
  where?: (result: RowResult) => boolean
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
  const wanted = await wantedRows(document, { where, store })
  if (wanted.size === 0) {
    throw new ConfigError(`${run} has no such rows: "renderq show ${run}" says how its rows ended`)
  }
  await using plan = await planRetry(document, { as, wanted, store, workDir })
  const { priority, flags } = document
  const terms = { priority, flags, retryOf: document.run }
  const entered = await enqueuePlan(plan, { queue, store }, terms)
  return { run: entered.run, rowCount: plan.rowCount }
}

async function wantedRows(
  { run, finishedAt, state, rows }: RunDocument,
  { where, store }: { where: (result: RowResult) => boolean; store: Store },
): Promise<ReadonlySet<number>> {
  const wanted = new Set<number>()
  const ended = new Set<number>()
  for (let part = 1; ; part++) {
    const results = await readResultsPart(run, part, store)
    if (results === undefined) break
    for (const result of results) {
      ended.add(result.row)
      if (UNSUCCESSFUL.has(result.outcome) && where(result)) wanted.add(result.row)
    }
  }
  if (state !== 'cancelled' || finishedAt === null) return wanted
  for (let row = 0; row < rows; row++) if (!ended.has(row)) wanted.add(row)
  return wanted
}

function hasAnyOf(
  wanted: ReadonlySet<number>,
  { firstRow, rowCount }: RunDocument['parts'][number],
): boolean {
  for (let at = firstRow; at < firstRow + rowCount; at++) if (wanted.has(at)) return true
  return false
}

interface RetrySource {
  as: RunId
  wanted: ReadonlySet<number>
  store: Store
  workDir: string
}

async function planRetry(
  document: RunDocument,
  { as, wanted, store, workDir }: RetrySource,
): Promise<Plan> {
  await mkdir(workDir, { recursive: true })
  const parts = new PlanParts(workDir, ROWS_PER_PART)
  const tally = new RunTally()
  let row = 0
  for (const [index, part] of document.parts.entries()) {
    if (!hasAnyOf(wanted, part)) continue
    const { bytes, place } = await getManifestPart(document.run, index + 1, store)
    if (bytes === undefined) throw new ConfigError(`${place} is missing`)
    for (const line of jsonLinesOf(bytes, place)) {
      const planned = plannedRowOf(line, place)
      if (!wanted.has(planned.job.row)) continue
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
