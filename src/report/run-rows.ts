/**
 * The rows of a run with their results, in the order of the manifest. Memory is that of one manifest part, whatever
 * the size of the run; the results lie in local files meanwhile.
 */
import { mkdir, rm } from 'node:fs/promises'
import type { PlannedRow, RunId } from '../job.ts'
import type { ManifestPart, RunState } from '../queue/ledger.ts'
import { jsonLinesOf } from '../storage/json-lines.ts'
import type { Store } from '../storage/store.ts'
import { getManifestPart, plannedRowOf } from '../storage/stored-run.ts'
import { Breather } from './breather.ts'
import type { ReportRow } from './report-row.ts'
import { ResultBuckets, type BucketedRun } from './result-buckets.ts'

export interface RowsOfRun extends BucketedRun {
  /** Of a cancelled run, rows may be without a result. */
  state: RunState
}

export interface RunRows extends AsyncDisposable {
  /** From the first row on; may be called again and again. Throws when a part or a result is missing. */
  rows(): AsyncIterable<ReportRow>
}

/** Everything lies in `dir`, which must be new, and goes when the rows are disposed. */
export async function openRunRows(
  run: RowsOfRun,
  { store, dir }: { store: Store; dir: string },
): Promise<RunRows> {
  await mkdir(dir, { recursive: true })
  const remove = () => rm(dir, { recursive: true, force: true, maxRetries: 3 })
  try {
    const buckets = await ResultBuckets.fill(run, { store, dir })
    return { rows: () => rowsOf(run, buckets, store), [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function* rowsOf(
  { run, parts, state }: RowsOfRun,
  buckets: ResultBuckets,
  store: Store,
): AsyncGenerator<ReportRow> {
  const breather = new Breather()
  for (const [index, part] of parts.entries()) {
    const results = await buckets.read(index)
    for (const planned of await plannedRows({ run, part, number: index + 1 }, store)) {
      const result = results.get(planned.job.row)
      if (result === undefined && state !== 'cancelled') throw lostResult(planned, run)
      const locations = (result?.keys ?? []).map((key) => store.locationOf(key))
      yield { ...planned, result, locations }
      if (breather.isDue) await breather.breathe()
    }
  }
}

async function plannedRows(
  { run, part, number }: { run: RunId; part: ManifestPart; number: number },
  store: Store,
): Promise<Iterable<PlannedRow>> {
  const { bytes, place } = await getManifestPart(run, number, store)
  if (bytes === undefined) throw new Error(`${place} is missing: ${run} can't be reported`)
  return wholePart(jsonLinesOf(bytes, place), part, place)
}

/** Parses one row at a time, and makes sure that these are the rows of the part. */
function* wholePart(
  lines: Iterable<unknown>,
  { firstRow, rowCount }: ManifestPart,
  place: string,
): Generator<PlannedRow> {
  let count = 0
  for (const line of lines) {
    const planned = plannedRowOf(line, place)
    if (planned.job.row !== firstRow + count) {
      throw new Error(`${place} has row ${planned.job.row} in the place of ${firstRow + count}`)
    }
    count += 1
    yield planned
  }
  if (count !== rowCount) throw new Error(`${place} has ${count} rows instead of ${rowCount}`)
}

function lostResult({ job }: PlannedRow, run: RunId): Error {
  return new Error(
    `${run} has no result for row ${job.row + 1} (${job.id}): its results are not whole`,
  )
}
