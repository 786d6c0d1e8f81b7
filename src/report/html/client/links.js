/** Which locations of pictures may be followed. */

/**
 * Only files and https: nothing else that a location may say becomes a link.
 *
 * @param {string} location
 * @returns {string | undefined}
 */
export function linkTo(location) {
  if (/^(?:https:\/\/|file:\/)/i.test(location)) return location
  if (/^[a-z]:[\\/]/i.test(location)) return `file:///${segmentsOf(location.replaceAll('\\', '/'))}`
  if (/^\/(?![/\\])/.test(location)) return `file://${segmentsOf(location)}`
  return /^(?:\.{1,2}\/)/.test(location) ? segmentsOf(location) : undefined
}

/** @param {string} path */
const segmentsOf = (path) =>
  path
    .split('/')
    .map((segment) => encodeURIComponent(segment).replace(/^([a-z])%3A$/i, '$1:'))
    .join('/')
