/**
 * Which rows have no picture, and why: one block per cause, with what helps.
 *
 * @import { Cause, ReportSummary, RowData } from '../report-data.ts'
 * @import { Exactly } from './rows.js'
 */
import { copyButton, failuresTsv } from './copy.js'
import { byId, dataText, element } from './elements.js'
import { counted, countText } from './format.js'
import { causeOf, hasEndedWell } from './rows.js'

/**
 * @typedef {object} FailuresOptions
 * @property {readonly RowData[]} rows
 * @property {(exactly: Exactly) => void} show filters the contact sheet
 */

/**
 * @param {ReportSummary} summary
 * @param {FailuresOptions} options
 */
export function showFailures({ causes }, options) {
  const section = byId('failures')
  section.hidden = false
  if (causes.length === 0) {
    section.replaceChildren(element('h2', { id: 'failures-title' }, 'Every row has its pictures'))
    return
  }
  const rows = causes.reduce((sum, cause) => sum + cause.rows, 0)
  const failures = options.rows.filter((row) => !hasEndedWell(row))
  const help = Object.fromEntries(causes.map((cause) => [cause.code, cause.help]))
  const tsvOf = (/** @type {readonly RowData[]} */ some) => () => failuresTsv(some, help)
  section.replaceChildren(
    element(
      'div',
      { class: 'heading' },
      element(
        'h2',
        { id: 'failures-title' },
        `${counted(rows, 'row')} without pictures, ${counted(causes.length, 'cause')}`,
      ),
      copyButton(`Copy ${counted(failures.length, 'row')} as TSV`, tsvOf(failures)),
    ),
    element(
      'ul',
      { class: 'causes' },
      causes.map((cause) => {
        const ofCause = failures.filter((row) => causeOf(row) === cause.code)
        return causeBlock(cause, {
          ...options,
          copyRows: copyButton('Copy as TSV', tsvOf(ofCause)),
        })
      }),
    ),
  )
}

/**
 * @param {Cause} cause
 * @param {FailuresOptions & { copyRows: HTMLElement }} options
 */
function causeBlock(cause, { show, copyRows }) {
  const { code, rows, ids, messages, help } = cause
  const moreIds = rows - ids.length
  return element(
    'li',
    {},
    element(
      'div',
      { class: 'heading' },
      element(
        'h3',
        {},
        element('span', { class: 'count' }, countText(rows)),
        dataText(code, { class: 'code' }),
      ),
      element(
        'span',
        { class: 'buttons' },
        element(
          'button',
          {
            type: 'button',
            class: 'quiet',
            onclick: () => show({ field: 'cause', value: code }),
          },
          rows === 1 ? 'Show the row' : 'Show these rows',
        ),
        copyRows,
      ),
    ),
    messages.map((message) => messageLine(message, rows)),
    element('p', { class: 'help' }, element('strong', {}, 'What helps: '), help),
    element(
      'p',
      { class: 'ids' },
      ids.map((id) =>
        element(
          'button',
          { type: 'button', class: 'id', onclick: () => show({ field: 'id', value: id }) },
          dataText(id),
        ),
      ),
      moreIds > 0 ? element('span', { class: 'muted' }, `and ${countText(moreIds)} more`) : null,
    ),
  )
}

/**
 * @param {Cause['messages'][number]} message
 * @param {number} rows
 */
function messageLine(message, rows) {
  const share = message.rows === rows ? null : `${countText(message.rows)} × `
  return element('p', { class: 'message' }, share, dataText(message.text))
}
