/** Bars over an axis, as SVG made for exactly the width there is: letters keep their size on a narrow screen. */
import { svgElement } from './elements.js'

const HEIGHT = 210
const MARGIN = { top: 24, right: 14, bottom: 42, left: 46 }

/**
 * @typedef {object} Bar
 * @property {number} from position on the x axis, 0 to 1
 * @property {number} to
 * @property {number} value
 * @property {string} label shown when pointed at
 *
 * @typedef {object} Tick
 * @property {number} at position on the x axis, 0 to 1
 * @property {string} label
 *
 * @typedef {object} Plot
 * @property {readonly Bar[]} bars
 * @property {readonly Tick[]} ticks
 * @property {string} xLabel with its unit
 * @property {string} yLabel with its unit
 * @property {string} summary what the plot says, in words
 */

/**
 * @param {Plot} plot
 * @param {number} width in CSS pixels
 */
export function barPlot({ bars, ticks, xLabel, yLabel, summary }, width) {
  const inner = {
    width: width - MARGIN.left - MARGIN.right,
    height: HEIGHT - MARGIN.top - MARGIN.bottom,
  }
  const yTicks = niceTicks(Math.max(...bars.map(({ value }) => value)))
  const yMax = yTicks.at(-1) ?? 1
  const x = (/** @type {number} */ at) => MARGIN.left + at * inner.width
  const y = (/** @type {number} */ value) => MARGIN.top + inner.height * (1 - value / yMax)
  const bottom = MARGIN.top + inner.height
  return svgElement(
    'svg',
    {
      class: 'plot',
      width,
      height: HEIGHT,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: 'img',
      'aria-label': summary,
    },
    yTicks.map((value) => [
      svgElement('line', {
        class: 'grid',
        x1: MARGIN.left,
        x2: width - MARGIN.right,
        y1: y(value),
        y2: y(value),
      }),
      svgElement(
        'text',
        { x: MARGIN.left - 6, y: y(value) + 4, 'text-anchor': 'end' },
        tickText(value),
      ),
    ]),
    bars.map(({ from, to, value, label }) =>
      svgElement(
        'rect',
        {
          class: 'bar-fill',
          x: x(from),
          width: Math.max(1, x(to) - x(from) - 1),
          y: y(value),
          height: bottom - y(value),
        },
        svgElement('title', {}, label),
      ),
    ),
    ticks.map(({ at, label }) => [
      svgElement('line', { class: 'axis', x1: x(at), x2: x(at), y1: bottom, y2: bottom + 4 }),
      svgElement('text', { x: x(at), y: bottom + 17, 'text-anchor': 'middle' }, label),
    ]),
    svgElement('line', {
      class: 'axis',
      x1: MARGIN.left,
      x2: width - MARGIN.right,
      y1: bottom,
      y2: bottom,
    }),
    svgElement(
      'text',
      {
        class: 'axis-label',
        x: MARGIN.left + inner.width / 2,
        y: HEIGHT - 6,
        'text-anchor': 'middle',
      },
      xLabel,
    ),
    svgElement('text', { class: 'axis-label', x: 4, y: 12 }, yLabel),
  )
}

/**
 * From 0 to the first round number that is not below `max`, in about four steps.
 *
 * @param {number} max
 */
export function niceTicks(max) {
  if (!(max > 0)) return [0, 1]
  const step = niceStep(max / 4)
  const steps = Math.ceil(max / step - 1e-9)
  return Array.from({ length: steps + 1 }, (_, at) => at * step)
}

/**
 * 1, 2 or 5 times a power of ten, not below `atLeast`.
 *
 * @param {number} atLeast
 */
export function niceStep(atLeast) {
  const power = 10 ** Math.floor(Math.log10(atLeast))
  return ([1, 2, 5, 10].find((factor) => factor * power >= atLeast * (1 - 1e-9)) ?? 10) * power
}

/** @param {number} value */
function tickText(value) {
  return value >= 10_000
    ? `${Number((value / 1_000).toFixed(1))}k`
    : String(Number(value.toFixed(3)))
}
