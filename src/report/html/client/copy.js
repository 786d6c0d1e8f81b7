/**
 * Puts rows on the clipboard as tab-separated values, which spreadsheets and shells both take.
 *
 * @import { RowData } from '../report-data.ts'
 */
import { element, visible } from './elements.js'
import { withoutFormulas } from './formulas.js'
import { causeOf } from './rows.js'

/**
 * Which rows ended without a picture, and why.
 *
 * @param {readonly RowData[]} rows
 * @param {Readonly<Record<string, string>>} helpByCause
 */
export function failuresTsv(rows, helpByCause) {
  const lines = rows.map((row) => [
    row.id,
    row.outcome,
    causeOf(row),
    row.error ?? '',
    helpByCause[causeOf(row)] ?? '',
    row.requestId ?? '',
  ])
  const header = ['id', 'outcome', 'code', 'message', 'what helps', 'request id']
  return [header, ...lines].map((cells) => `${cells.map(cellText).join('\t')}\n`).join('')
}

/**
 * One cell: no tab or line break in it, and nothing that a spreadsheet would calculate.
 *
 * @param {string} text
 */
function cellText(text) {
  const plain = withoutFormulas(visible(text.replace(/\s+/g, ' ').trim()))
  // A quote in front would join this cell with all that follow up to the next quote.
  return plain.startsWith('"') ? `"${plain.replaceAll('"', '""')}"` : plain
}

/**
 * @param {string} label
 * @param {() => string} text
 */
export function copyButton(label, text) {
  const button = element(
    'button',
    { type: 'button', class: 'quiet', onclick: () => void copy() },
    label,
  )
  async function copy() {
    const isCopied = await toClipboard(text())
    button.textContent = isCopied ? 'Copied' : 'The browser did not allow it'
    setTimeout(() => {
      button.textContent = label
    }, 2_000)
  }
  return button
}

/**
 * A page opened from a file has no clipboard in some browsers; the old way works there.
 *
 * @param {string} text
 */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copySelection(text)
  }
}

/** @param {string} text */
function copySelection(text) {
  const area = element('textarea', { class: 'off-screen', 'aria-hidden': 'true' })
  const focused = document.activeElement
  const parent = document.querySelector('dialog[open]') ?? document.body
  parent.append(area)
  area.value = text
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return isCopied
}
