import type { Findings } from './findings.ts'
import { columnNamesProblem, REPEATED_NAME } from './manifest-row.ts'

const DELIMITERS = [',', ';', '\t'] as const
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const QUOTE = 0x22

/** Where the first line that is not blank ends, outside quotes; -1 while that is not in `head`. */
export function headerEnd(head: Buffer): number {
  let isQuoted = false
  let hasBegun = false
  for (const [index, byte] of head.entries()) {
    const isLineEnd = byte === LINE_FEED || byte === CARRIAGE_RETURN
    if (isLineEnd && hasBegun && !isQuoted) return index
    if (byte === QUOTE) isQuoted = !isQuoted
    hasBegun ||= !isLineEnd
  }
  return -1
}

/** A spreadsheet's own first line, which names the delimiter: `sep=;`. */
export function declaredDelimiter(firstLine: string): string | undefined {
  return /^\s*sep=([,;\t|])\s*$/i.exec(firstLine)?.[1]
}

/** The one that the header line holds most of, outside quotes; a comma when it holds none. */
export function delimiterOf(headerLine: string): string {
  const unquoted = headerLine.replace(/"(?:[^"]|"")*"/g, '')
  const countOf = (delimiter: string) => unquoted.split(delimiter).length
  return DELIMITERS.reduce((best, other) => (countOf(other) > countOf(best) ? other : best))
}

/**
 * The column names of a CSV manifest, or undefined after reporting why they can't be used. A blank name
 * (spreadsheets leave trailing ones) is allowed as long as nothing stands below it.
 */
export function columnNamesOf(
  cells: readonly string[],
  line: number,
  findings: Findings,
): readonly string[] | undefined {
  const names = cells.map((cell) => cell.trim())
  const duplicates = names.filter((name, index) => name !== '' && names.indexOf(name) < index)
  for (const name of new Set(duplicates)) {
    findings.problem({ line, column: name, message: REPEATED_NAME })
  }
  const problem = columnNamesProblem(names)
  if (problem !== undefined) findings.problem({ line, message: problem })
  return problem === undefined && duplicates.length === 0 ? names : undefined
}
