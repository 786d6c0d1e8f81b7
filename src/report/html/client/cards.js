/**
 * One row on the contact sheet.
 *
 * @import { NoThumbnail, RowData } from '../report-data.ts'
 */
import { dataText, element, visible } from './elements.js'
import { moneyText } from './format.js'
import { causeOf, hasEndedWell, OUTCOME } from './rows.js'

/** @type {Readonly<Record<NoThumbnail, string>>} */
export const WHY_NO_THUMBNAIL = {
  'beyond-count': 'no thumbnail: beyond the first ones',
  'beyond-time': 'no thumbnail: time was up',
  missing: 'the picture was gone from the store',
  unreadable: 'the picture could not be read',
}

/**
 * @param {RowData} row
 * @param {number} at its place among the rows shown
 */
export function card(row, at) {
  const { sign, label } = OUTCOME[row.outcome]
  const cost = row.costUsd === undefined ? '' : moneyText(row.costUsd)
  return element(
    'button',
    {
      type: 'button',
      class: `card is-${row.outcome}`,
      'data-at': at,
      'aria-label': `${visible(row.id)}, ${label}${cost === '' ? '' : `, ${cost}`}`,
    },
    element('span', { class: 'picture' }, pictureOf(row), manyBadge(row)),
    dataText(row.id, { class: 'card-id', title: visible(row.id) }),
    element(
      'span',
      { class: 'card-foot' },
      element('span', { class: 'outcome' }, element('span', { class: 'sign' }, sign), label),
      element('span', { class: 'muted' }, cost),
    ),
  )
}

/** @param {RowData} row */
export function pictureOf(row) {
  if (row.thumbnail !== undefined) {
    return element('img', { src: row.thumbnail, alt: '', decoding: 'async' })
  }
  const { sign } = OUTCOME[row.outcome]
  const hasPicture = row.keys.length > 0
  return element(
    'span',
    { class: 'placeholder' },
    element('span', { class: 'big-sign' }, hasPicture ? '▢' : sign),
    dataText(placeholderText(row), { class: 'why' }),
    dataText(row.keys[0] ?? row.error ?? '', { class: 'placeholder-more' }),
  )
}

/** @param {RowData} row */
function placeholderText(row) {
  if (row.noThumbnail !== undefined) return WHY_NO_THUMBNAIL[row.noThumbnail]
  return hasEndedWell(row) ? 'no picture' : causeOf(row)
}

/** @param {RowData} row */
function manyBadge({ keys }) {
  return keys.length > 1 ? element('span', { class: 'badge' }, `×${keys.length}`) : null
}
