/** Everything that is known of one row: what was asked, how it went, where its pictures are. */
import type { PlannedRow, RunId } from '../job.ts'
import type { Outcome } from '../outcome.ts'
import type { Ledger, RowResult } from '../queue/ledger.ts'
import { findPlannedRow, findResult, unknownRow } from './find-row.ts'
import type { FoundRun } from './find-run.ts'
import type { RenderRecord } from '../record.ts'
import { rowRecord, type RowRecord } from './row-record.ts'

export interface RowDetails extends RowRecord {
  run: RunId
  manifest: string
  rowCount: number
  planned: PlannedRow
  /** Null while the row has none. */
  outcome: Outcome | null
  /** Undefined while the row has no outcome, and when its run was cancelled before its turn. */
  result: RowResult | undefined
  pictures: PictureAt[]
  /** What stands in the store by now, where it was made after the row had ended in this run. */
  since?: RenderRecord
}

export interface PictureAt {
  key: string
  /** A path or a URL. */
  location: string
  byteCount?: number
  width?: number
  height?: number
}

/** Throws ConfigError when the run has no such row. */
export async function rowDetails(id: string, found: FoundRun, ledger: Ledger): Promise<RowDetails> {
  const planned = await findPlannedRow(id, found)
  if (planned === undefined) throw await unknownRow(id, found)
  const { run, manifest, summary, store } = found
  const result = await findResult(planned.job.row, found, ledger)
  const outcome = result?.outcome ?? (summary.finishedAt === null ? null : 'cancelled')
  const stands = await rowRecord(planned.job, { result, store })
  const stood = asOfRun(stands, { run, outcome, result })
  const pictures = picturesOf(result, stood).map((picture) => ({
    ...picture,
    location: store.locationOf(picture.key),
  }))
  const rowCount = summary.rows
  return { run, manifest, rowCount, planned, outcome, result, ...stood, pictures }
}

/** Other runs go on making records of the same request: with `--force`, or where this run had failed. */
function asOfRun(
  stands: RowRecord,
  { run, outcome, result }: Pick<RowDetails, 'run' | 'outcome' | 'result'>,
): Pick<RowDetails, 'record' | 'superseded' | 'since'> {
  const { record } = stands
  if (record === undefined || record.run === run || outcome === null) return stands
  const wasThere = outcome === 'reused' && record.requestId === result?.requestId
  return wasThere ? stands : { since: record }
}

function picturesOf(
  result: RowResult | undefined,
  { record }: RowRecord,
): Omit<PictureAt, 'location'>[] {
  if (record === undefined) return (result?.keys ?? []).map((key) => ({ key }))
  return record.pictures.map(({ key, byteCount, width, height }) => {
    return { key, byteCount, width, height }
  })
}
