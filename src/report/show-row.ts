/** Everything that is known of one row: what was asked, how it went, where its pictures are. */
import type { PlannedRow, RunId } from '../job.ts'
import type { Outcome } from '../outcome.ts'
import type { Ledger, RowResult } from '../queue/ledger.ts'
import { findPlannedRow, findResult, unknownRow } from './find-row.ts'
import type { FoundRun } from './find-run.ts'
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
  const stood = await rowRecord(planned.job, { result, store })
  const pictures = picturesOf(result, stood).map((picture) => ({
    ...picture,
    location: store.locationOf(picture.key),
  }))
  const outcome = result?.outcome ?? (summary.finishedAt === null ? null : 'cancelled')
  const rowCount = summary.rows
  return { run, manifest, rowCount, planned, outcome, result, ...stood, pictures }
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
