/**
 * The head of the page: which run this is and what it came to.
 *
 * @import { ReportedOutcome, ReportSummary, RunFacts } from '../report-data.ts'
 * @import { Fact } from './facts.js'
 */
import { byId, dataText, element } from './elements.js'
import { counted, countText, durationText, moneyText, momentText, shareText } from './format.js'
import { factList, plainText } from './facts.js'
import { OUTCOME } from './rows.js'

/** @param {ReportSummary} summary */
export function showOverview(summary) {
  const { run } = summary
  document.title = `${run.manifest} · ${run.run} · renderq report`
  byId('overview').replaceChildren(
    element(
      'div',
      { class: 'title' },
      element('h1', {}, dataText(run.manifest)),
      element('span', { class: `state state-${run.state}` }, run.state),
      element('code', {}, dataText(run.run)),
    ),
    element('p', { class: 'muted' }, whenText(run)),
    outcomeBar(summary),
    element('dl', { class: 'tiles' }, ...tilesOf(run).map(tile)),
    ...notice(summary),
    more(run),
  )
}

/** @param {RunFacts} run */
function whenText({ enteredAt, finishedAt }) {
  const entered = momentText(enteredAt)
  if (finishedAt === null) return `Entered ${entered}, not finished when this was written`
  return `${entered} to ${momentText(finishedAt)}`
}

/** @param {ReportSummary} summary */
function outcomeBar({ counted: outcomes, run }) {
  const present = /** @type {ReportedOutcome[]} */ (Object.keys(OUTCOME)).filter(
    (outcome) => outcomes[outcome] > 0,
  )
  const label = present.map((outcome) => `${outcomes[outcome]} ${OUTCOME[outcome].label}`)
  const bar = element('div', { class: 'bar', role: 'img', 'aria-label': label.join(', ') })
  for (const outcome of present) {
    const part = element('span', { class: `fill-${outcome}` })
    part.style.flexGrow = String(outcomes[outcome])
    bar.append(part)
  }
  const legend = present.map((outcome) =>
    element(
      'li',
      { class: `is-${outcome}` },
      element('span', { class: 'sign', 'aria-hidden': 'true' }, OUTCOME[outcome].sign),
      element('strong', {}, countText(outcomes[outcome])),
      ` ${OUTCOME[outcome].label} `,
      element('span', { class: 'muted' }, shareText(outcomes[outcome], run.rows)),
    ),
  )
  return element('div', {}, bar, element('ul', { class: 'legend' }, legend))
}

/**
 * @param {RunFacts} run
 * @returns {[label: string, value: string, remark: string][]}
 */
function tilesOf(run) {
  const { costPlannedUsd, unknownCalls } = run
  const durationMs = Date.parse(run.finishedAt ?? '') - Date.parse(run.enteredAt)
  return [
    ['Rows', countText(run.rows), operationsText(run)],
    ['Pictures', countText(run.pictures), `of ${countText(run.picturesPlanned)} planned`],
    [
      'Cost',
      moneyText(run.costUsd),
      costPlannedUsd === null ? 'planned: price unknown' : `planned ${moneyText(costPlannedUsd)}`,
    ],
    [
      'Calls',
      countText(run.calls),
      unknownCalls === 0
        ? 'none of unknown outcome'
        : `${countText(unknownCalls)} of unknown outcome: may be paid, not in the cost`,
    ],
    Number.isNaN(durationMs)
      ? ['Duration', '–', 'not finished']
      : ['Duration', durationText(durationMs), paceText(run, durationMs)],
  ]
}

/** @param {RunFacts} run */
function operationsText({ byOperation }) {
  const present = Object.entries(byOperation).filter(([, rows]) => rows > 0)
  return present.map(([operation, rows]) => `${countText(rows)} ${operation}`).join(', ')
}

/**
 * @param {RunFacts} run
 * @param {number} durationMs
 */
function paceText({ pictures, outcomes }, durationMs) {
  if (durationMs <= 0 || pictures === 0 || outcomes.succeeded === 0) return ''
  return `${countText(Math.round((outcomes.succeeded / durationMs) * 60_000))} rows rendered per minute`
}

/** @param {[label: string, value: string, remark: string]} tile */
function tile([label, value, remark]) {
  return element(
    'div',
    {},
    element('dt', {}, label),
    element('dd', {}, element('strong', {}, value), element('span', { class: 'muted' }, remark)),
  )
}

/** @param {ReportSummary} summary */
function notice({ run, rowsListed, counted: outcomes }) {
  const rowCount = Object.values(outcomes).reduce((sum, rows) => sum + rows, 0)
  if (rowsListed === rowCount && rowCount === run.rows) return []
  const listed = `This page lists ${countText(rowsListed)} of ${counted(run.rows, 'row')}`
  const text =
    rowCount === run.rows
      ? `${listed}: the first, and of the rest the ones without a picture. Counts, causes and plots are of all rows; results.csv lists them all.`
      : `${listed}: only ${countText(rowCount)} could be read when it was written.`
  return [element('p', { class: 'notice' }, text)]
}

/** @param {RunFacts} run */
function more({ store, manifestSha256, priority, flags, retryOf, schedule, versions }) {
  /** @type {Fact[]} */
  const facts = [
    ['Store', store],
    ['Manifest sha256', manifestSha256],
    ['Priority', priority],
  ]
  if (retryOf !== null) facts.push(['Retry of', retryOf])
  if (schedule !== null) facts.push(['Schedule', schedule])
  for (const [name, value] of Object.entries(flags)) facts.push([`--${name}`, plainText(value)])
  facts.push(['Versions', `renderq ${versions.renderq}, Node ${versions.node}`])
  return element(
    'details',
    { class: 'more' },
    element('summary', {}, 'More about this run'),
    factList(facts),
  )
}
