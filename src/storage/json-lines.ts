/** JSON Lines as bytes: one line at a time, so that a part of hundreds of megabytes is never text as a whole. */

const LINE_FEED = 0x0a

/** Of the lines that are not blank, counted from zero. */
interface LineRange {
  from: number
  until: number
}

/**
 * The parsed lines, blank ones left out; of a range, only those are parsed. `name` says in an error where a line is
 * that can't be read.
 */
export function* jsonLinesOf(
  bytes: Buffer,
  name: string,
  { from, until }: LineRange = { from: 0, until: Infinity },
): Generator {
  let number = 0
  let ordinal = 0
  for (let start = 0; start < bytes.length && ordinal < until;) {
    const feed = bytes.indexOf(LINE_FEED, start)
    const end = feed === -1 ? bytes.length : feed
    number += 1
    if (end > start) {
      if (ordinal >= from) yield parsed(bytes.toString('utf8', start, end), `${name}:${number}`)
      ordinal += 1
    }
    start = end + 1
  }
}

function parsed(line: string, place: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new Error(`${place} is no JSON: the file was cut or changed`, { cause })
  }
}
