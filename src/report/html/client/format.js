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
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const minutes = Math.round(ms / 60_000)
  if (minutes < 60) return `${minutes} min${secondsPart(ms)}`
  const hours = Math.floor(minutes / 60)
  return `${hours} h ${minutes % 60} min`
}

/** @param {number} ms */
function secondsPart(ms) {
  const seconds = Math.round(ms / 1_000) % 60
  return ms < 600_000 && seconds > 0 ? ` ${seconds} s` : ''
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
