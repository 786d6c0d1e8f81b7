/**
 * The contact sheet: any number of rows, of which only those near the screen are elements. Rows lie in chunks of
 * whole lines and known height, so the scroll bar is right without them.
 *
 * @import { RowData } from '../report-data.ts'
 */
import { card } from './cards.js'
import { element } from './elements.js'

/** As in the style: a card's height and the gap around it, and the least width of a column. */
const CARD_HEIGHT = 232
const GAP = 12
const COLUMN_WIDTH_MIN = 158
const LINES_PER_CHUNK = 8

export class ContactSheet {
  /** @type {readonly RowData[]} */
  #rows = []
  #columns = 0
  #container
  #open
  #nearScreen

  /**
   * @param {HTMLElement} container
   * @param {(at: number) => void} open
   */
  constructor(container, open) {
    this.#container = container
    this.#open = open
    this.#nearScreen = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) this.#fill(target, isIntersecting)
      },
      { rootMargin: '800px 0px' },
    )
    container.addEventListener('click', (event) => this.#openAt(event))
    container.addEventListener('keydown', (event) => this.#move(event))
    new ResizeObserver(() => {
      if (this.#columnsThatFit() !== this.#columns) this.#layOut()
    }).observe(container)
  }

  /** @param {readonly RowData[]} rows */
  show(rows) {
    this.#rows = rows
    this.#layOut()
  }

  /** @param {number} at */
  focus(at) {
    const chunk = this.#container.children[Math.floor(at / this.#rowsPerChunk())]
    if (chunk === undefined) return
    this.#fill(chunk, true)
    const found = chunk.querySelector(`[data-at="${at}"]`)
    if (found instanceof HTMLElement) found.focus()
  }

  #layOut() {
    this.#nearScreen.disconnect()
    this.#columns = this.#columnsThatFit()
    this.#container.style.setProperty('--columns', String(this.#columns))
    const chunks = Math.ceil(this.#rows.length / this.#rowsPerChunk())
    this.#container.replaceChildren(...Array.from({ length: chunks }, (_, at) => this.#chunk(at)))
    for (const chunk of this.#container.children) this.#nearScreen.observe(chunk)
  }

  /** @param {number} at */
  #chunk(at) {
    const first = at * this.#rowsPerChunk()
    const rows = Math.min(this.#rowsPerChunk(), this.#rows.length - first)
    const lines = Math.ceil(rows / this.#columns)
    const chunk = element('div', { class: 'chunk', 'data-first': first })
    chunk.style.height = `${lines * (CARD_HEIGHT + GAP)}px`
    return chunk
  }

  /**
   * @param {Element} chunk
   * @param {boolean} isNear
   */
  #fill(chunk, isNear) {
    const isFilled = chunk.childElementCount > 0
    if (isNear === isFilled) return
    // What has the focus stays, or the keyboard would lose its place.
    if (!isNear && !chunk.contains(document.activeElement)) chunk.replaceChildren()
    if (!isNear || !(chunk instanceof HTMLElement)) return
    const first = Number(chunk.dataset['first'])
    const rows = this.#rows.slice(first, first + this.#rowsPerChunk())
    chunk.replaceChildren(...rows.map((row, offset) => card(row, first + offset)))
  }

  /** @param {Event} event */
  #openAt({ target }) {
    const at = placeOf(target)
    if (at !== undefined) this.#open(at)
  }

  /**
   * Arrow keys go from card to card; Tab goes through them too.
   *
   * @param {KeyboardEvent} event
   */
  #move(event) {
    const at = placeOf(event.target)
    const steps = new Map([
      ['ArrowRight', 1],
      ['ArrowLeft', -1],
      ['ArrowDown', this.#columns],
      ['ArrowUp', -this.#columns],
      ['Home', -Infinity],
      ['End', Infinity],
    ])
    const step = steps.get(event.key)
    if (at === undefined || step === undefined) return
    event.preventDefault()
    this.focus(Math.min(this.#rows.length - 1, Math.max(0, at + step)))
  }

  #rowsPerChunk() {
    return this.#columns * LINES_PER_CHUNK
  }

  #columnsThatFit() {
    const width = this.#container.clientWidth
    return Math.max(2, Math.floor((width + GAP) / (COLUMN_WIDTH_MIN + GAP)))
  }
}

/** @param {EventTarget | null} target */
function placeOf(target) {
  const found = target instanceof Element ? target.closest('[data-at]') : null
  return found instanceof HTMLElement ? Number(found.dataset['at']) : undefined
}
