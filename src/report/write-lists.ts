/** Writes the rows of a run as lists: `results.jsonl` for programs, `results.csv` for people, `failed.jsonl` to run. */
import { join } from 'node:path'
import { failedRowOf } from './failed-row.ts'
import type { ReportRow } from './report-row.ts'
import { resultsCsv } from './results-csv.ts'
import { TextFile } from './text-file.ts'

/** Returns how many rows have a result. */
export async function writeLists(
  rows: AsyncIterable<ReportRow>,
  { columns, dir }: { columns: readonly string[]; dir: string },
): Promise<number> {
  await using results = await TextFile.create(join(dir, 'results.jsonl'))
  await using table = await TextFile.create(join(dir, 'results.csv'))
  await using failed = await TextFile.create(join(dir, 'failed.jsonl'))
  const csv = resultsCsv(columns)
  let ended = 0
  await table.add(csv.header)
  for await (const row of rows) {
    if (row.result !== undefined) {
      ended += 1
      await results.add(`${JSON.stringify(row.result)}\n`)
    }
    await table.add(csv.lineOf(row))
    const failure = failedRowOf(row)
    if (failure !== undefined) await failed.add(`${JSON.stringify(failure)}\n`)
  }
  for (const file of [results, table, failed]) await file.flush()
  return ended
}
