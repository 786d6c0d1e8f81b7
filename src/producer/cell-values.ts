/** U+0000 and half surrogates: no queue or database stores them the same way. */
const UNSTORABLE = /[\0\p{Cs}]/u
const QUOTED_CHARS_MAX = 60

/** Null, blank text and an empty list say nothing: the cell is not given. */
export function isGiven(value: unknown): boolean {
  if (value === null || value === undefined) return false
  if (typeof value === 'string') return value.trim() !== ''
  return !Array.isArray(value) || value.length > 0
}

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text)
}

/** A cell's text; undefined when it is a list or a group of values. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** `2` or `"2"`; undefined for anything that is not written as a whole number. */
export function integerOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

/**
 * The pictures that a cell names: text separated by `|`, line breaks or commas with a space after them, a
 * JSON list, or such a list written into a CSV cell. Undefined when an entry is not a text.
 */
export function picturesOf(value: unknown): string[] | undefined {
  const entries = Array.isArray(value) ? value : listOf(value)
  const references = entries.map(referenceOf)
  return references.every((reference) => reference !== undefined) ? references : undefined
}

function listOf(value: unknown): unknown[] {
  if (typeof value !== 'string') return [value]
  if (value.trimStart().startsWith('[')) {
    try {
      return JSON.parse(value) as unknown[]
    } catch {
      // Then it is a file name that begins with a bracket.
    }
  }
  return value.split(/\||,\s+|[\r\n]+/).filter((entry) => entry.trim() !== '')
}

/** `https://…,https://…` would pass as one URL; who means that writes a JSON list. */
export function areGlued(cell: unknown): boolean {
  const isText = typeof cell === 'string' && !cell.trimStart().startsWith('[')
  return isText && /,(?:https?|s3):\/\//i.test(cell)
}

/** As text, or as the API's own reference object. */
function referenceOf(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry.trim()
  if (typeof entry !== 'object' || entry === null || !('image_url' in entry)) return undefined
  return typeof entry.image_url === 'string' ? entry.image_url.trim() : undefined
}

/** For messages: recognisable, and short whatever it is. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return `"${text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text}"`
}
