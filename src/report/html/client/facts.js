/**
 * Names and values, one under the other: of a run, and of one row.
 *
 * @import { RowData } from '../report-data.ts'
 *
 * @typedef {readonly [name: string, value: string]} Fact
 */
import { dataText, element } from './elements.js'
import { bytesText, countText, durationText, moneyText, momentText } from './format.js'
import { hasEndedWell } from './rows.js'

/** @param {readonly Fact[]} facts */
export function factList(facts) {
  return element(
    'dl',
    { class: 'facts' },
    facts.map(([name, value]) => [
      element('dt', {}, dataText(name)),
      element('dd', {}, dataText(value)),
    ]),
  )
}

/** @param {RowData} row */
export function requestFacts({ operation, parameters, inputs }) {
  /** @type {Fact[]} */
  const facts = [['operation', operation]]
  for (const [name, value] of Object.entries(parameters)) facts.push([name, plainText(value)])
  for (const input of inputs) facts.push(['input picture', input])
  return facts
}

/** @param {unknown} value */
export const plainText = (value) => (typeof value === 'string' ? value : JSON.stringify(value))

/** @param {RowData} row */
export function effortFacts(row) {
  const { attempts, elapsedMs, requestMs, endedAt, width, height, byteCount, requestId } = row
  /** @type {Fact[]} */
  const facts = [['cost', costText(row)]]
  if (attempts !== undefined) facts.push(['attempts', countText(attempts)])
  if (row.calls !== undefined) facts.push(['calls', callsText(row.calls, row.unknownCalls)])
  if (requestMs !== undefined) facts.push(['answered call', durationText(requestMs)])
  if (elapsedMs !== undefined) facts.push(['last attempt', durationText(elapsedMs)])
  if (endedAt !== undefined) facts.push(['ended', momentText(endedAt)])
  if (width !== undefined && height !== undefined) {
    facts.push(['size', `${width} × ${height} pixels`])
  }
  if (byteCount !== undefined && byteCount > 0) facts.push(['bytes', bytesText(byteCount)])
  if (requestId !== undefined) facts.push(['request id', requestId])
  return facts
}

/** @param {RowData} row */
function costText(row) {
  if (row.costUsd !== undefined) return moneyText(row.costUsd)
  if (row.outcome === 'reused') return 'nothing in this run'
  if (hasEndedWell(row)) return 'unknown'
  return (row.unknownCalls ?? 0) > 0 ? 'unknown: calls may be paid' : 'none booked'
}

/**
 * @param {number} calls
 * @param {number} [unknownCalls]
 */
function callsText(calls, unknownCalls = 0) {
  if (unknownCalls === 0) return countText(calls)
  return `${countText(calls)}, ${countText(unknownCalls)} of unknown outcome: may be paid, not in the cost`
}

/** @param {RowData} row */
export function columnFacts({ columns }) {
  const facts = Object.entries(columns)
  return facts.length === 0 ? null : factList(facts)
}
