/**
 * What the rows cost, divided by a parameter or a column of one's choice.
 *
 * @import { CostDivision, CostGroup, ReportSummary } from '../report-data.ts'
 */
import { byId, dataText, element, visible } from './elements.js'
import { countText, moneyText, priceText } from './format.js'

/** @param {ReportSummary} summary */
export function showCost({ costs }) {
  if (costs.length === 0) return
  const section = byId('cost')
  const table = element('div', {
    class: 'scrolls',
    tabindex: '0',
    role: 'group',
    'aria-labelledby': 'cost-title',
  })
  const choice = divisionChoice(costs)
  const show = () => table.replaceChildren(divisionTable(costs[Number(choice.value)]))
  choice.addEventListener('change', show)
  section.hidden = false
  section.replaceChildren(
    element(
      'div',
      { class: 'heading' },
      element('h2', { id: 'cost-title' }, 'Cost'),
      element('label', {}, 'by ', choice),
    ),
    table,
  )
  show()
}

/** @param {readonly CostDivision[]} costs */
function divisionChoice(costs) {
  const options = costs.map(({ name, isColumn, groups }, at) => ({
    isColumn,
    groups,
    option: element('option', { value: at }, visible(name)),
  }))
  const choice = element('select', {})
  for (const [label, isColumn] of /** @type {const} */ ([
    ['Parameters', false],
    ['Columns', true],
  ])) {
    const chosen = options.filter((option) => option.isColumn === isColumn)
    if (chosen.length === 0) continue
    choice.append(
      element(
        'optgroup',
        { label },
        chosen.map(({ option }) => option),
      ),
    )
  }
  // What is the same for all rows says nothing: begin with the first that divides them.
  const telling = options.findIndex(({ groups }) => groups.length > 1)
  choice.value = String(Math.max(0, telling))
  return choice
}

/** @param {CostDivision | undefined} division */
function divisionTable(division) {
  if (division === undefined) return ''
  const { name, groups } = division
  const costMax = Math.max(...groups.map(({ costUsd }) => costUsd))
  return element(
    'table',
    {},
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col', class: 'group' }, dataText(name)),
        numberHead('rows'),
        numberHead('without pictures', 'optional'),
        numberHead('rendered'),
        numberHead('cost'),
        numberHead('per picture'),
      ),
    ),
    element(
      'tbody',
      {},
      groups.map((group) => groupLine(group, costMax)),
    ),
  )
}

const numberHead = (/** @type {string} */ label, more = '') =>
  element('th', { scope: 'col', class: `number ${more}` }, label)

/**
 * @param {CostGroup} group
 * @param {number} costMax
 */
function groupLine(group, costMax) {
  const { value, rows, unsuccessful, pictures, costUsd, unpricedRows } = group
  const bar = element('span', { class: 'cost-bar', 'aria-hidden': 'true' })
  bar.style.width = `${costMax === 0 ? 0 : (costUsd / costMax) * 100}%`
  const unpriced = unpricedRows === 0 ? '' : ` + ${countText(unpricedRows)} of unknown cost`
  const perPicture = pictures === 0 || costUsd === 0 ? '–' : priceText(costUsd / pictures)
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, value === '' ? '(empty)' : dataText(value), bar),
    element('td', { class: 'number' }, countText(rows)),
    element('td', { class: 'number optional' }, countText(unsuccessful)),
    element('td', { class: 'number' }, countText(pictures)),
    element('td', { class: 'number' }, moneyText(costUsd) + unpriced),
    element('td', { class: 'number' }, perPicture),
  )
}
