import { ConfigError } from '../errors.ts'

/** One-based, both ends included. */
export interface RowRange {
  from: number
  to: number
}

/** `1-50,60,200-`: rows by their number in the manifest. Throws ConfigError. */
export function parseRowRanges(text: string): RowRange[] {
  return text.split(',').map((part) => {
    const [, from = '', dash, to = ''] = /^\s*(\d{1,9})\s*(?:(-)\s*(\d{0,9})\s*)?$/.exec(part) ?? []
    const first = Number(from)
    const last = to === '' ? (dash === undefined ? first : Infinity) : Number(to)
    if (from === '' || first < 1 || last < first) {
      throw new ConfigError(
        `--rows ${JSON.stringify(part.trim())}: write numbers and ranges, e.g. --rows 1-50,60,200-`,
      )
    }
    return { from: first, to: last }
  })
}
