/**
 * The line above the contact sheet: by text, by outcome, by a cause or an id.
 *
 * @import { ReportedOutcome, ReportSummary } from '../report-data.ts'
 * @import { Exactly, Filter } from './rows.js'
 */
import { dataText, element, visible } from './elements.js'
import { countText } from './format.js'
import { OUTCOME } from './rows.js'

/** Long enough to type a word, short enough to feel at once. */
const TYPING_PAUSE_MS = 120

export class Filters {
  /** @type {Set<ReportedOutcome>} */
  #outcomes = new Set()
  /** @type {Exactly | undefined} */
  #exactly
  #changed
  #text
  #where
  #outcomeButtons
  #chip = element('span', {})
  #count = element('p', { class: 'shown', role: 'status' })
  #typing = 0
  /** @type {HTMLElement} */
  element

  /**
   * @param {ReportSummary} summary
   * @param {() => void} changed
   */
  constructor(summary, changed) {
    this.#changed = changed
    this.#text = element('input', {
      type: 'search',
      placeholder: 'Filter by text',
      'aria-label': 'Filter by text',
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: () => this.#typed(),
    })
    this.#where = whereChoice(summary.columns)
    this.#where.addEventListener('change', changed)
    this.#outcomeButtons = this.#buttonsOf(summary)
    this.element = element(
      'div',
      { class: 'filters', role: 'search' },
      element(
        'div',
        { class: 'text-filter' },
        this.#text,
        element('label', {}, 'in ', this.#where),
      ),
      element(
        'div',
        { class: 'outcome-filter', role: 'group', 'aria-label': 'Filter by outcome' },
        this.#outcomeButtons,
      ),
      this.#chip,
      this.#count,
    )
  }

  /** @returns {Filter} */
  get filter() {
    return {
      text: this.#text.value,
      where: this.#where.value,
      outcomes: this.#outcomes,
      exactly: this.#exactly,
    }
  }

  /**
   * These rows and no others.
   *
   * @param {Exactly} exactly
   */
  show(exactly) {
    this.#clear()
    this.#setExactly(exactly)
    this.#changed()
  }

  /**
   * @param {number} shown
   * @param {number} of
   */
  showCount(shown, of) {
    const isAll = shown === of
    this.#count.replaceChildren(
      isAll ? `${countText(of)} rows` : `${countText(shown)} of ${countText(of)} rows`,
      isAll ? '' : ' ',
      isAll
        ? ''
        : element(
            'button',
            { type: 'button', class: 'quiet', onclick: () => this.#showAll() },
            'Show all',
          ),
    )
  }

  #showAll() {
    this.#clear()
    this.#changed()
    this.#text.focus()
  }

  #clear() {
    this.#text.value = ''
    this.#where.value = 'any'
    this.#outcomes.clear()
    this.#setExactly(undefined)
    for (const button of this.#outcomeButtons) button.setAttribute('aria-pressed', 'false')
  }

  /** @param {Exactly | undefined} exactly */
  #setExactly(exactly) {
    this.#exactly = exactly
    const drop = () => {
      this.#setExactly(undefined)
      this.#changed()
    }
    this.#chip.replaceChildren(exactly === undefined ? '' : chipOf(exactly, drop))
  }

  #typed() {
    clearTimeout(this.#typing)
    this.#typing = setTimeout(this.#changed, TYPING_PAUSE_MS)
  }

  /** @param {ReportSummary} summary */
  #buttonsOf({ counted }) {
    const outcomes = /** @type {ReportedOutcome[]} */ (Object.keys(OUTCOME))
    return outcomes
      .filter((outcome) => counted[outcome] > 0)
      .map((outcome) => this.#outcomeButton(outcome, counted[outcome]))
  }

  /**
   * @param {ReportedOutcome} outcome
   * @param {number} rows
   */
  #outcomeButton(outcome, rows) {
    const { sign, label } = OUTCOME[outcome]
    const button = element(
      'button',
      {
        type: 'button',
        class: `toggle is-${outcome}`,
        'aria-pressed': 'false',
        'data-outcome': outcome,
      },
      element('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
      `${label} `,
      element('span', { class: 'muted' }, countText(rows)),
    )
    button.addEventListener('click', () => {
      const isOn = !this.#outcomes.delete(outcome)
      if (isOn) this.#outcomes.add(outcome)
      button.setAttribute('aria-pressed', String(isOn))
      this.#changed()
    })
    return button
  }
}

/**
 * @param {Exactly} exactly
 * @param {() => void} drop
 */
function chipOf({ field, value }, drop) {
  return element(
    'button',
    {
      type: 'button',
      class: 'chip',
      'aria-label': `Only ${field} ${visible(value)}: show others again`,
      onclick: drop,
    },
    `${field}: `,
    dataText(value),
    ' ✕',
  )
}

/** @param {readonly string[]} columns */
function whereChoice(columns) {
  return element(
    'select',
    { 'aria-label': 'Where to look for the text' },
    [
      ['any', 'everything'],
      ['id', 'id'],
      ['prompt', 'prompt'],
      ['error', 'error'],
    ].map(([value, label]) => element('option', { value }, label)),
    columns.length === 0
      ? null
      : element(
          'optgroup',
          { label: 'Columns' },
          columns.map((name) => element('option', { value: `column:${name}` }, visible(name))),
        ),
  )
}
