/**
 * Everything about one row, in a panel over the page.
 *
 * @import { RowData } from '../report-data.ts'
 */
import { pictureOf } from './cards.js'
import { copyButton } from './copy.js'
import { byId, dataText, element, visible } from './elements.js'
import { columnFacts, effortFacts, factList, requestFacts } from './facts.js'
import { countText } from './format.js'
import { linkTo } from './links.js'
import { causeOf, hasEndedWell, OUTCOME } from './rows.js'

export class Details {
  /** @type {readonly RowData[]} */
  #rows = []
  #at = 0
  #help
  #dialog = /** @type {HTMLDialogElement} */ (byId('details'))

  /**
   * @param {Readonly<Record<string, string>>} helpByCause
   * @param {(at: number) => void} closed told which row was looked at last
   */
  constructor(helpByCause, closed) {
    this.#help = helpByCause
    this.#dialog.addEventListener('close', () => closed(this.#at))
    this.#dialog.addEventListener('click', ({ target }) => {
      // Only the darkened page around the panel is the dialog itself.
      if (target === this.#dialog) this.#dialog.close()
    })
    this.#dialog.addEventListener('keydown', (event) => {
      if (event.target instanceof HTMLTextAreaElement) return
      if (event.key === 'ArrowRight') this.#step(1)
      if (event.key === 'ArrowLeft') this.#step(-1)
    })
  }

  /**
   * @param {readonly RowData[]} rows
   * @param {number} at
   */
  open(rows, at) {
    this.#rows = rows
    this.#show(at)
    this.#dialog.showModal()
  }

  /** @param {1 | -1} step */
  #step(step) {
    const at = this.#at + step
    if (at < 0 || at >= this.#rows.length) return
    this.#show(at)
    const same = this.#dialog.querySelector(step === 1 ? '.next' : '.previous')
    if (same instanceof HTMLElement) same.focus()
  }

  /** @param {number} at */
  #show(at) {
    const row = this.#rows[at]
    if (row === undefined) return
    this.#at = at
    this.#dialog.replaceChildren(
      element('div', { class: 'panel' }, this.#head(row), ...body(row, this.#help[causeOf(row)])),
    )
    this.#dialog.scrollTop = 0
  }

  /** @param {RowData} row */
  #head(row) {
    const { sign, label } = OUTCOME[row.outcome]
    const place = `${countText(this.#at + 1)} of ${countText(this.#rows.length)}`
    return element(
      'div',
      { class: 'panel-head' },
      element(
        'div',
        {},
        element('h2', { id: 'details-title' }, dataText(row.id)),
        element(
          'p',
          { class: `is-${row.outcome}` },
          element('span', { class: 'outcome' }, element('span', { class: 'sign' }, sign), label),
          element('span', { class: 'muted' }, ` ${rowText(row)} · ${place} shown`),
        ),
      ),
      element(
        'div',
        { class: 'buttons' },
        element(
          'button',
          {
            type: 'button',
            class: 'quiet previous',
            'aria-label': 'Previous row',
            onclick: () => this.#step(-1),
          },
          '←',
        ),
        element(
          'button',
          {
            type: 'button',
            class: 'quiet next',
            'aria-label': 'Next row',
            onclick: () => this.#step(1),
          },
          '→',
        ),
        element(
          'button',
          {
            type: 'button',
            class: 'quiet',
            'aria-label': 'Close',
            onclick: () => this.#dialog.close(),
          },
          '✕',
        ),
      ),
    )
  }
}

/**
 * The run may have taken but some rows of its manifest.
 *
 * @param {RowData} row
 */
function rowText({ row, line }) {
  const ofManifest = line === undefined ? '' : `, line ${countText(line)} of the manifest`
  return `row ${countText(row)} of the run${ofManifest}`
}

/**
 * @param {RowData} row
 * @param {string | undefined} help
 */
function body(row, help) {
  return [
    hasEndedWell(row) ? null : errorBlock(row, help),
    row.keys.length > 0 ? element('div', { class: 'panel-picture' }, pictureOf(row)) : null,
    ...part('Prompt', row.prompt === undefined ? null : promptBlock(row.prompt)),
    ...part(
      row.keys.length > 1 ? 'Pictures' : 'Picture',
      row.keys.length === 0 ? null : objectsOf(row),
    ),
    ...part('Request', factList(requestFacts(row))),
    ...part('What it took', factList(effortFacts(row))),
    ...part('Columns', columnFacts(row)),
  ].filter((child) => child !== null)
}

/**
 * @param {string} title
 * @param {HTMLElement | null} content
 */
const part = (title, content) => (content === null ? [] : [element('h3', {}, title), content])

/**
 * @param {RowData} row
 * @param {string | undefined} help
 */
function errorBlock(row, help) {
  return element(
    'div',
    { class: 'error-block' },
    element('p', {}, dataText(causeOf(row), { class: 'code' })),
    row.error === undefined ? null : element('p', {}, dataText(row.error)),
    help === undefined ? null : element('p', {}, element('strong', {}, 'What helps: '), help),
  )
}

/** @param {string} prompt */
function promptBlock(prompt) {
  return element(
    'div',
    {},
    element('pre', { class: 'prompt', tabindex: '0', dir: 'auto' }, visible(prompt)),
    copyButton('Copy the prompt', () => prompt),
  )
}

/** @param {RowData} row */
function objectsOf({ keys, locations }) {
  return element(
    'ul',
    { class: 'objects' },
    keys.map((key, at) => {
      const location = locations[at]
      return element(
        'li',
        {},
        element(
          'div',
          { class: 'object' },
          dataText(key, { class: 'key' }),
          copyButton('Copy the key', () => key),
        ),
        location === undefined
          ? null
          : element(
              'div',
              { class: 'object' },
              locationOf(location),
              copyButton('Copy', () => location),
            ),
      )
    }),
  )
}

/** @param {string} location */
function locationOf(location) {
  const href = linkTo(location)
  const text = dataText(location, { class: 'key muted' })
  if (href === undefined) return text
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer' }, text)
}
