/** `results.csv`: the manifest's own columns first, then how each row ended, for spreadsheets and for scripts. */
import { stringify } from 'csv-stringify/sync'
import { csvCell } from './csv-cells.ts'
import type { ReportRow } from './report-row.ts'

const RESULT_COLUMNS = [
  '_status',
  '_key',
  '_url',
  '_bytes',
  '_width',
  '_height',
  '_cost_usd',
  '_attempts',
  '_ms',
  '_error_code',
  '_error',
  '_request_id',
] as const

/** Between the keys of several pictures. */
const BETWEEN_KEYS = ' | '

/** A manifest that was made of earlier results has our columns already: ours stand, its own go. */
export function resultsColumns(manifestColumns: readonly string[]): string[] {
  const ours: ReadonlySet<string> = new Set(RESULT_COLUMNS)
  return [...manifestColumns.filter((name) => !ours.has(name)), ...RESULT_COLUMNS]
}

export const csvLine = (cells: readonly string[]): string => stringify([cells])

export function resultsCsvLine(
  { columns, result, locations }: ReportRow,
  names: readonly string[],
): string {
  const own = names.slice(0, -RESULT_COLUMNS.length).map((name) => columns[name])
  const outcome = [
    result?.outcome ?? 'cancelled',
    result?.keys.join(BETWEEN_KEYS),
    locations.join(BETWEEN_KEYS),
    result?.byteCount,
    result?.width,
    result?.height,
    result?.costUsd,
    result?.attempts,
    result?.elapsedMs,
    result?.errorCode,
    result?.error,
    result?.requestId,
  ]
  return csvLine([...own, ...outcome].map(csvCell))
}
