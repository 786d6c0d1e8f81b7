/** `results.csv`: the manifest's own columns first, then how each row ended, for spreadsheets and for scripts. */
import { pathToFileURL } from 'node:url'
import { stringify, type Options } from 'csv-stringify/sync'
import { csvCell } from './csv-cells.ts'
import type { ReportRow } from './report-row.ts'

export const RESULT_COLUMNS = [
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
type ResultColumn = (typeof RESULT_COLUMNS)[number]

/** Between several pictures of one row. */
const BETWEEN_PICTURES = ' | '
/** Without it Excel takes UTF-8 for the local code page, and garbles every name that is not English. */
const BYTE_ORDER_MARK = '\ufeff'
/** Line feeds alone: every spreadsheet reads them, and no script finds a return at the end of its last column. */
const FORM: Options = { record_delimiter: '\n', quoted_match: /[\r\t;]|^\s|\s$/ }

export interface ResultsCsv {
  header: string
  lineOf(row: ReportRow): string
}

/** A manifest that was made of earlier results has our columns already: ours stand, its own are left out. */
export function resultsCsv(manifestColumns: readonly string[]): ResultsCsv {
  const own = manifestColumns.filter((name) => !isResultColumn(name))
  return {
    header: BYTE_ORDER_MARK + csvLine([...own, ...RESULT_COLUMNS]),
    lineOf(row) {
      const ended = resultCells(row)
      return csvLine([
        // A row may lack a column that is called `toString`.
        ...own.map((name) => (Object.hasOwn(row.columns, name) ? row.columns[name] : undefined)),
        ...RESULT_COLUMNS.map((name) => ended[name]),
      ])
    },
  }
}

/** In any case, as databases compare the names of columns. */
export function isResultColumn(name: string): boolean {
  return (RESULT_COLUMNS as readonly string[]).includes(name.toLowerCase())
}

const csvLine = (cells: readonly unknown[]): string => stringify([cells.map(csvCell)], FORM)

function resultCells({ result, locations }: ReportRow): Record<ResultColumn, unknown> {
  return {
    _status: result?.outcome ?? 'cancelled',
    _key: result?.keys.join(BETWEEN_PICTURES),
    _url: locations.map(urlOf).join(BETWEEN_PICTURES),
    // A row without pictures has none, rather than one of no bytes.
    _bytes: result?.keys.length === 0 ? null : result?.byteCount,
    _width: result?.width,
    _height: result?.height,
    _cost_usd: dollars(result?.costUsd),
    _attempts: result?.attempts,
    _ms: result?.elapsedMs,
    _error_code: result?.errorCode,
    _error: result?.error,
    _request_id: result?.requestId,
  }
}

/** A path of the folder store can be opened from a cell as well. */
function urlOf(location: string): string {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(location) ? location : pathToFileURL(location).href
}

/** To the millionth, never as 5e-7. */
function dollars(costUsd: number | null | undefined): string | undefined {
  return costUsd?.toFixed(6).replace(/\.?0+$/, '')
}
