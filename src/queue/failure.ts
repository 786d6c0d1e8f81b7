/** Our retry advice in BullMQ's words: the only translation. */
import { DelayedError, RateLimitError, UnrecoverableError, WaitingError, type Job } from 'bullmq'
import { messageOf, RenderError } from '../errors.ts'

/** How the whole fleet is slowed or stopped. */
export interface Brakes {
  rateLimit(delayMs: number): Promise<void>
  /** Nobody calls until then; the reason is shown to people. */
  stop(error: RenderError, reason: string): Promise<void>
}

/** The error the processor must throw. Moving the job back needs its lock token. */
export async function toQueueFailure(
  error: unknown,
  { job, token, brakes }: { job: Job; token: string | undefined; brakes: Brakes },
): Promise<Error> {
  if (!(error instanceof RenderError)) return toError(error)
  const { advice } = error
  switch (advice.retry) {
    case 'never':
      return new UnrecoverableError(`${error.code}: ${error.message}`)
    case 'backoff':
    case 'unknown':
      return error
    case 'after':
      await brakes.rateLimit(advice.delayMs)
      return new RateLimitError()
    case 'later':
      return putBack(job, token, advice.delayMs)
    case 'pause':
      await brakes.stop(error, advice.reason)
      return new RateLimitError()
  }
}

/** How long the server wants to be left alone by the row that met this error. */
export function leastWaitMsOf(error: unknown): number {
  const advice = error instanceof RenderError ? error.advice : undefined
  return (advice !== undefined && 'atLeastMs' in advice ? advice.atLeastMs : undefined) ?? 0
}

/** Gives the job back, at once or after a while; costs no attempt. */
export async function putBack(
  job: Job,
  token: string | undefined,
  delayMs: number,
): Promise<Error> {
  if (delayMs === 0) {
    await job.moveToWait(token)
    return new WaitingError()
  }
  await job.moveToDelayed(Date.now() + delayMs, token)
  return new DelayedError()
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown))
}
