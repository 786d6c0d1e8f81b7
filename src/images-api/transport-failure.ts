/** What a failed connection means: whether the request had left decides whether it must be booked as paid. */
import {
  ApiUnavailableError,
  InterruptedError,
  messageOf,
  OutcomeUnknownError,
  type RenderError,
  type RenderErrorFacts,
} from '../errors.ts'
import { tidyMessage } from './server-words.ts'

export interface CallProgress {
  /** Host and port, for messages. */
  host: string
  /** True from the moment the first byte may have left. */
  isSent: boolean
}

/** A call did not end within the time it was given. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'
}

export function transportFailure(
  error: unknown,
  { host, isSent }: CallProgress,
  facts: RenderErrorFacts = {},
): RenderError {
  const what = describe(error)
  if (isSent) {
    const message = `the call to ${host} was sent, but no whole answer came (${what}); it may have been paid`
    return new OutcomeUnknownError(message, { ...facts, cause: error })
  }
  if (error instanceof InterruptedError) return error
  const message = `the Images API at ${host} can't be reached (${what}); nothing was sent`
  return new ApiUnavailableError(message, { ...facts, cause: error, callFate: 'not-sent' })
}

/** The reason a caller gave for aborting, as one of ours. */
export function interruptionOf(signal: AbortSignal): InterruptedError {
  return signal.reason instanceof InterruptedError
    ? signal.reason
    : new InterruptedError('stopped by the caller', { cause: signal.reason })
}

function describe(error: unknown): string {
  // Node tries several addresses of a host and then only says that all of them failed.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  // Of Node and undici; ours are lower-case and say nothing that the message does not.
  const code = first instanceof Error && 'code' in first ? String(first.code) : ''
  const message = tidyMessage(messageOf(first))
  return /^[A-Z_]+$/.test(code) && !message.includes(code) ? `${code}: ${message}` : message
}
