/**
 * Builds the page from elements, attributes and text nodes only: no text of a row is ever parsed as markup.
 *
 * @typedef {Node | string | null | undefined | Child[]} Child
 * @typedef {Record<string, string | number | boolean | ((event: any) => void) | undefined>} Attributes
 */

const SVG = 'http://www.w3.org/2000/svg'

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children)
}

/**
 * @param {string} name
 * @param {Attributes} [attributes]
 * @param {...Child} children
 */
export function svgElement(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children)
}

/**
 * @template {Element} Target
 * @param {Target} target
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function filled(target, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') target.addEventListener(name.slice(2), value)
    else target.setAttribute(name, value === true ? '' : String(value))
  }
  append(target, children)
  return target
}

/**
 * @param {Element} target
 * @param {Child[]} children
 */
function append(target, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(target, child)
    else if (child !== null && child !== undefined) target.append(child)
  }
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found
}

/** Control characters, and those that turn the direction of text around. */
const INVISIBLE = /[\p{Cc}\p{Bidi_Control}\ufeff]/gu

/**
 * Text of a row, as it is: what would colour a terminal or turn text around is shown instead of obeyed.
 *
 * @param {string} text
 */
export function visible(text) {
  return text.replace(INVISIBLE, (character) => {
    const code = character.charCodeAt(0)
    if (character === '\n' || character === '\t') return character
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  })
}

/**
 * Its direction stays its own.
 *
 * @param {string} text
 * @param {Attributes} [attributes]
 */
export function dataText(text, attributes = {}) {
  return element('bdi', attributes, visible(text))
}
