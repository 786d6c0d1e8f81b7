/** What stands in a cell of `results.csv`: text, and nothing in it that a spreadsheet would run. */
import { withoutFormulas } from './html/client/formulas.js'

/** Null and undefined are empty; lists and groups are shown as JSON. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return withoutFormulas(typeof value === 'string' ? value : JSON.stringify(value))
}
