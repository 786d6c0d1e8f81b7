import type { ManifestProblem } from '../errors.ts'

/** Control and direction characters of a hostile manifest must not reach a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** More lines than these are nobody's to correct one by one. */
const LINES_SHOWN_MAX = 12

/** `catalog.csv:17 size "1025x1024": both edges must be divisible by 16 (did you mean 1024x1024?)` */
export function formatProblem(problem: ManifestProblem): string {
  const { file, line, column, message, suggestion } = problem
  const place = line === undefined || isFlag(problem) ? file : `${file}:${line}`
  const hint = suggestion === undefined ? '' : `(did you mean ${suggestion}?)`
  return [place, column, message, hint, rowsOf(problem)]
    .filter((part) => part !== undefined && part !== '')
    .join(' ')
    .replace(
      UNPRINTABLE,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}

/** What is wrong with a flag shows in the rows, but is not theirs. */
export const isFlag = ({ file }: Pick<ManifestProblem, 'file'>): boolean => file.startsWith('--')

function rowsOf({ line, rows = 1, lines = [] }: ManifestProblem): string {
  if (rows === 1) return ''
  // Several rows of a JSON file can stand on one line.
  return rows > LINES_SHOWN_MAX || lines.length < rows
    ? `(${rows} rows, first at line ${line})`
    : `(${rows} rows: lines ${lines.join(', ')})`
}
