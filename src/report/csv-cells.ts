/**
 * What stands in a cell of `results.csv`: nothing that a spreadsheet would run as a formula, in any line of a cell
 * and whatever blanks come first.
 */

/** Where a spreadsheet may see a cell begin: lines, and the separators that it uses elsewhere in the world. */
const BEGINNING = String.raw`\n\r\v\f\u0085\u2028\u2029;\t`
/** Blanks, control and format characters do not keep a spreadsheet from seeing what follows. */
const FORMULA = new RegExp(
  `(?<=^|[${BEGINNING}])(?:(?![${BEGINNING}])[\\s\\p{Cc}\\p{Cf}])*[=+\\-@＝＋－＠]`,
  'gu',
)
/** Such as -5, +49.50, -1,299.00 or 2e-3: a number, whatever its sign. */
const PLAIN_NUMBER = /^ *[+-]?(?:\d+(?:[.,]\d+)*|\.\d+)(?:[eE][+-]?\d+)? ?%? *$/

/** Null and undefined are empty; lists and groups are shown as JSON. */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return withoutFormulas(typeof value === 'string' ? value : JSON.stringify(value))
}

function withoutFormulas(text: string): string {
  if (PLAIN_NUMBER.test(text)) return text
  const safe = text.replace(FORMULA, "'$&")
  return /^[\t\r]/.test(safe) ? `'${safe}` : safe
}
