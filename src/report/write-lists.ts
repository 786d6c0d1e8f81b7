/** Writes the rows of a run as lists: `results.jsonl` for programs, `results.csv` for people, `failed.jsonl` to run. */
import { join } from 'node:path'
import { countReason, noReasons, type ReasonCounts } from '../reason.ts'
import { failedRowOf } from './failed-row.ts'
import type { ReportRow } from './report-row.ts'
import { resultsCsv } from './results-csv.ts'
import { TextFile } from './text-file.ts'

export interface Listed {
  /** Rows that have a result. */
  ended: number
  reasons: ReasonCounts
}

export async function writeLists(
  rows: AsyncIterable<ReportRow>,
  { columns, dir }: { columns: readonly string[]; dir: string },
): Promise<Listed> {
  await using results = await TextFile.create(join(dir, 'results.jsonl'))
  await using table = await TextFile.create(join(dir, 'results.csv'))
  await using failed = await TextFile.create(join(dir, 'failed.jsonl'))
  const csv = resultsCsv(columns)
  let ended = 0
  const reasons = noReasons()
  await table.add(csv.header)
  for await (const row of rows) {
    if (row.result !== undefined) {
      ended += 1
      countReason(reasons, row.result)
      await results.add(`${JSON.stringify(row.result)}\n`)
    }
    await table.add(csv.lineOf(row))
    const failure = failedRowOf(row)
    if (failure !== undefined) await failed.add(`${JSON.stringify(failure)}\n`)
  }
  for (const file of [results, table, failed]) await file.flush()
  return { ended, reasons }
}
