/**
 * What the page knows of its rows: outcomes in words and signs, and which rows a filter lets through.
 *
 * @import { ReportedOutcome, RowData } from '../report-data.ts'
 */

/**
 * A sign beside each colour, so that nothing is told by colour alone.
 *
 * @type {Readonly<Record<ReportedOutcome, { sign: string, label: string }>>}
 */
export const OUTCOME = {
  succeeded: { sign: '✓', label: 'succeeded' },
  reused: { sign: '↺', label: 'reused' },
  failed: { sign: '✕', label: 'failed' },
  refused: { sign: '⊘', label: 'refused' },
  held: { sign: '‖', label: 'held' },
  cancelled: { sign: '–', label: 'cancelled' },
  left: { sign: '…', label: 'not over yet' },
}

/** @param {RowData} row */
export const hasEndedWell = ({ outcome }) => outcome === 'succeeded' || outcome === 'reused'

/**
 * Rows without a picture are told apart by this.
 *
 * @param {RowData} row
 */
export const causeOf = ({ errorCode, outcome }) => errorCode ?? outcome

/**
 * @typedef {object} Filter
 * @property {string} text words that must all occur, in any case
 * @property {string} where `any`, `id`, `prompt`, `error`, or `column:` and its name
 * @property {ReadonlySet<ReportedOutcome>} outcomes empty: all of them
 * @property {Exactly | undefined} exactly
 *
 * @typedef {object} Exactly
 * @property {'cause' | 'id'} field
 * @property {string} value
 */

/**
 * @param {readonly RowData[]} rows
 * @param {Filter} filter
 * @returns {RowData[]}
 */
export function filtered(rows, { text, where, outcomes, exactly }) {
  const words = comparable(text)
    .split(/\s+/)
    .filter((word) => word !== '')
  return rows.filter((row) => {
    if (outcomes.size > 0 && !outcomes.has(row.outcome)) return false
    if (exactly !== undefined && !isExactly(row, exactly)) return false
    if (words.length === 0) return true
    const searched = searchedText(row, where)
    return words.every((word) => searched.includes(word))
  })
}

/**
 * @param {RowData} row
 * @param {Exactly} exactly
 */
function isExactly(row, { field, value }) {
  if (field === 'id') return row.id === value
  return !hasEndedWell(row) && causeOf(row) === value
}

/**
 * In any case, and however its accents are encoded.
 *
 * @param {string} text
 */
const comparable = (text) => text.normalize().toLowerCase()

/** @type {Map<string, WeakMap<RowData, string>>} */
const searchedTexts = new Map()

/**
 * Made once per row and place, since a filter runs with every key pressed.
 *
 * @param {RowData} row
 * @param {string} where
 */
function searchedText(row, where) {
  const made = searchedTexts.get(where) ?? new WeakMap()
  searchedTexts.set(where, made)
  const known = made.get(row)
  if (known !== undefined) return known
  const text = comparable(textAt(row, where))
  made.set(row, text)
  return text
}

/**
 * @param {RowData} row
 * @param {string} where
 */
function textAt(row, where) {
  const { id, prompt, columns, keys, errorCode, error, requestId } = row
  if (where === 'id') return id
  if (where === 'prompt') return prompt ?? ''
  if (where === 'error') return `${errorCode ?? ''}\n${error ?? ''}`
  if (where.startsWith('column:')) return cellOf(columns, where.slice('column:'.length))
  return [id, prompt, ...Object.values(columns), ...keys, errorCode, error, requestId].join('\n')
}

/**
 * Empty for a row that lacks the column, also for one called `toString`.
 *
 * @param {RowData['columns']} columns
 * @param {string} name
 */
function cellOf(columns, name) {
  return (Object.hasOwn(columns, name) ? columns[name] : undefined) ?? ''
}
