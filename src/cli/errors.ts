/** What a person sees when a command fails; problems of a manifest one a line. */
import { EXIT, ManifestError, messageOf, RenderError, RenderqError } from '../errors.ts'
import { formatProblem } from '../producer/format-problems.ts'
import { printEvent } from './print-event.ts'

const PROBLEMS_SHOWN_MAX = 50

/** Prints to stderr (and, for programs, one JSON line to stdout). Returns the exit code. */
export function printError(error: unknown, { asJson }: { asJson: boolean }): number {
  const { exitCode, code } = classify(error)
  if (error instanceof ManifestError) printProblems(error)
  console.error(`renderq: ${messageOf(error)}`)
  if (exitCode === EXIT.bug && error instanceof Error) console.error(error.stack)
  if (asJson) {
    const problems = error instanceof ManifestError ? { problems: error.problems } : {}
    printEvent({ v: 1, type: 'error', code, message: messageOf(error), ...problems })
  }
  return exitCode
}

function classify(error: unknown): { exitCode: number; code: string } {
  if (error instanceof RenderqError) return error
  // A store that can't be opened or written to, outside of any row.
  if (error instanceof RenderError) return { exitCode: EXIT.serviceUnavailable, code: error.code }
  return { exitCode: EXIT.bug, code: 'bug' }
}

function printProblems({ problems, problemCount }: ManifestError): void {
  for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) console.error(formatProblem(problem))
  const more = problemCount - Math.min(problems.length, PROBLEMS_SHOWN_MAX)
  if (more > 0) console.error(`… and ${more} more; --json lists up to ${problems.length}`)
}
