/** One row of a finished run, as every report sees it: what was asked, and how it ended. */
import type { PlannedRow } from '../job.ts'
import type { RowResult } from '../queue/ledger.ts'

export interface ReportRow extends PlannedRow {
  /** Undefined for a row of a cancelled run that never ended. */
  result: RowResult | undefined
  /** Where each picture is, for people: a path or a URL, in the order of `result.keys`. */
  locations: readonly string[]
}
