/** Numbers, money and time as people read them. */

const WHOLE = new Intl.NumberFormat('en-US')

/** @param {number} count */
export const countText = (count) => WHOLE.format(count)

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${countText(count)} ${count === 1 ? one : many}`
}

/** @param {number} usd */
export function moneyText(usd) {
  const digits = usd !== 0 && Math.abs(usd) < 1 ? 4 : 2
  return `$${usd.toLocaleString('en-US', { minimumFractionDigits: digits === 4 ? 3 : 2, maximumFractionDigits: digits })}`
}

/**
 * Always as many digits, for a column of them.
 *
 * @param {number} usd
 */
export const priceText = (usd) => `$${usd.toFixed(4)}`

/** @param {number} ms */
export function durationText(ms) {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 600) return pair([Math.floor(seconds / 60), 'min'], [seconds % 60, 's'])
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  return pair([Math.floor(minutes / 60), 'h'], [minutes % 60, 'min'])
}

/**
 * @param {readonly [count: number, unit: string]} large
 * @param {readonly [count: number, unit: string]} small
 */
function pair([count, unit], [rest, smallUnit]) {
  return rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${smallUnit}`
}

/** @param {number} byteCount */
export function bytesText(byteCount) {
  if (byteCount < 1_000) return counted(byteCount, 'byte')
  if (byteCount < 1_000_000) return `${(byteCount / 1_000).toFixed(1)} kB`
  return `${(byteCount / 1_000_000).toFixed(1)} MB`
}

const MOMENT = new Intl.DateTimeFormat('en-GB', {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})

/** @param {string | number} moment ISO 8601 or Unix ms */
export function momentText(moment) {
  const date = new Date(moment)
  return Number.isNaN(date.getTime()) ? String(moment) : MOMENT.format(date)
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function shareText(part, whole) {
  if (whole === 0) return '0 %'
  const share = (part / whole) * 100
  if (share > 0 && share < 0.1) return '< 0.1 %'
  if (share > 99.9 && share < 100) return '> 99.9 %'
  return `${share.toFixed(share === 0 || share === 100 ? 0 : 1)} %`
}
