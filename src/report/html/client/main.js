/**
 * Reads the page's data and puts the parts together.
 *
 * @import { ReportSummary, RowData } from '../report-data.ts'
 */
import { showCost } from './cost.js'
import { Details } from './details.js'
import { byId, element } from './elements.js'
import { showFailures } from './failures.js'
import { Filters } from './filters.js'
import { showOverview } from './overview.js'
import { filtered } from './rows.js'
import { ContactSheet } from './sheet.js'
import { showTime } from './time.js'

/** @param {string} id */
function takeJson(id) {
  const script = byId(id)
  const value = JSON.parse(script.textContent ?? '')
  // The text is as large as everything parsed from it.
  script.remove()
  return value
}

function showReport() {
  /** @type {ReportSummary} */
  const summary = takeJson('report-summary')
  /** @type {RowData[]} */
  const rows = takeJson('report-rows')
  showOverview(summary)
  showCost(summary)
  showTime(summary)
  const filters = showPictures(summary, rows)
  showFailures(summary, {
    rows,
    show: (exactly) => {
      filters.show(exactly)
      byId('pictures').scrollIntoView()
    },
  })
}

/**
 * @param {ReportSummary} summary
 * @param {readonly RowData[]} rows
 */
function showPictures(summary, rows) {
  let shown = rows
  const section = byId('pictures')
  const help = Object.fromEntries(summary.causes.map(({ code, help }) => [code, help]))
  const container = element('div', { class: 'sheet' })
  const none = element('p', { class: 'none', hidden: true }, 'No row is like that.')
  const sheet = new ContactSheet(container, (at) => details.open(shown, at))
  const details = new Details(help, (at) => sheet.focus(at))
  const filters = new Filters(summary, show)
  function show() {
    shown = filtered(rows, filters.filter)
    filters.showCount(shown.length, rows.length)
    none.hidden = shown.length > 0
    sheet.show(shown)
    // Fewer rows may end above the screen.
    if (section.getBoundingClientRect().top < 0) section.scrollIntoView()
  }
  section.hidden = false
  section.replaceChildren(
    element('h2', { id: 'pictures-title' }, 'Pictures'),
    filters.element,
    none,
    container,
  )
  show()
  return filters
}

showReport()
// For whoever measures how long a large report takes.
performance.mark('interactive')
