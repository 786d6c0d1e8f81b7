import type { ManifestProblem } from '../errors.ts'

/** Control and direction characters of a hostile manifest must not reach a terminal. */
const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu

/** `catalog.csv:17 size "1025x1024": both edges must be divisible by 16 (did you mean 1024x1024?)` */
export function formatProblem(problem: ManifestProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  const hint = problem.suggestion === undefined ? '' : `(did you mean ${problem.suggestion}?)`
  return [place, problem.column, problem.message, hint]
    .filter((part) => part !== undefined && part !== '')
    .join(' ')
    .replace(
      UNPRINTABLE,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
}
