/**
 * How the run went over time: pictures per minute, and how long its calls took.
 *
 * @import { Latency, Pace, ReportSummary } from '../report-data.ts'
 * @import { Plot, Tick } from './plots.js'
 */
import { byId, element } from './elements.js'
import { counted, countText, durationText } from './format.js'
import { barPlot, niceStep } from './plots.js'

/** @param {ReportSummary} summary */
export function showTime({ pace, latency }) {
  if (pace === null && latency === null) return
  const section = byId('time')
  section.hidden = false
  section.replaceChildren(
    element('h2', { id: 'time-title' }, 'Time'),
    element(
      'div',
      { class: 'plots' },
      pace === null ? null : figure('Pictures per minute', pacePlot(pace)),
      latency === null ? null : figure('Latency of calls', latencyPlot(latency)),
    ),
  )
}

/**
 * @param {string} title
 * @param {Plot} plot
 */
function figure(title, plot) {
  const frame = element('div', { class: 'plot-frame' })
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0)
    if (width > 0) frame.replaceChildren(barPlot(plot, width))
  }).observe(frame)
  return element(
    'figure',
    {},
    element(
      'figcaption',
      {},
      element('h3', {}, title),
      element('span', { class: 'muted' }, plot.summary),
    ),
    frame,
  )
}

/**
 * @param {Pace} pace
 * @returns {Plot}
 */
export function pacePlot({ bucketMs, firstMs, pictures }) {
  const perMinute = 60_000 / bucketMs
  const spanMs = pictures.length * bucketMs
  const total = pictures.reduce((sum, count) => sum + count, 0)
  const peak = Math.max(...pictures) * perMinute
  const unit = [
    { ms: 86_400_000, name: 'days' },
    { ms: 3_600_000, name: 'hours' },
    { ms: 60_000, name: 'minutes' },
  ].find(({ ms }) => firstMs + spanMs >= 3 * ms) ?? { ms: 1_000, name: 'seconds' }
  return {
    bars: pictures.map((count, at) => ({
      from: at / pictures.length,
      to: (at + 1) / pictures.length,
      value: count * perMinute,
      label: `${durationText(firstMs + at * bucketMs)} after the start: ${counted(count, 'picture')} in ${durationText(bucketMs)}`,
    })),
    ticks: evenTicks(firstMs / unit.ms, (firstMs + spanMs) / unit.ms),
    xLabel: `${unit.name} since the run was entered`,
    yLabel: 'pictures / min',
    summary: `${counted(total, 'picture')} in ${durationText(spanMs)}, at most ${countText(Math.round(peak))} per minute`,
  }
}

/**
 * @param {number} from
 * @param {number} to
 * @returns {Tick[]}
 */
function evenTicks(from, to) {
  const step = niceStep((to - from) / 7)
  const first = Math.ceil(from / step)
  const last = Math.floor(to / step)
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const value = (first + at) * step
    return { at: (value - from) / (to - from), label: String(Number(value.toFixed(6))) }
  })
}

/**
 * @param {Latency} latency
 * @returns {Plot}
 */
export function latencyPlot({ calls, bounds, counts, p50Ms, p90Ms, p99Ms }) {
  const lowest = bounds[0] ?? 1
  const highest = bounds.at(-1) ?? lowest
  const at = (/** @type {number} */ ms) => Math.log(ms / lowest) / Math.log(highest / lowest)
  const [half, most, nearlyAll] = [p50Ms, p90Ms, p99Ms].map(durationText)
  return {
    bars: counts.map((count, bar) => {
      const [from = lowest, to = highest] = bounds.slice(bar, bar + 2)
      return {
        from: at(from),
        to: at(to),
        value: count,
        label: `${durationText(from)} to ${durationText(to)}: ${counted(count, 'call')}`,
      }
    }),
    ticks: roundMs(lowest, highest).map((ms) => ({ at: at(ms), label: shortMs(ms) })),
    xLabel: 'from sending to the last byte, logarithmic',
    yLabel: 'calls',
    summary: `${counted(calls, 'call')}: half took up to ${half}, 90 % up to ${most}, 99 % up to ${nearlyAll}`,
  }
}

/**
 * Round times between the bounds: 1, 2 and 5 of each decade, or only decades when they are many.
 *
 * @param {number} lowest
 * @param {number} highest
 */
function roundMs(lowest, highest) {
  const factors =
    highest / lowest > 1_000 ? [1] : highest / lowest > 4 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]
  return [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
    .flatMap((decade) => factors.map((factor) => factor * decade))
    .filter((ms) => ms >= lowest && ms <= highest)
}

/** @param {number} ms */
const shortMs = (ms) => (ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`)
