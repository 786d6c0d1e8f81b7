/**
 * Text that a spreadsheet would run as a formula, made text: in any line of a cell and whatever blanks come first. For
 * the page and for `results.csv` alike.
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

/** @param {string} text */
export function withoutFormulas(text) {
  if (PLAIN_NUMBER.test(text)) return text
  const safe = text.replace(FORMULA, "'$&")
  return /^[\t\r]/.test(safe) ? `'${safe}` : safe
}
