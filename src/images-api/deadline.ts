/** One time limit for a whole call, joined with the caller's own signal. Must be ended by who started it. */
import { DeadlineError, interruptionOf } from './transport-failure.ts'

export interface Deadline {
  /** Aborts with DeadlineError or InterruptedError as its reason. */
  readonly signal: AbortSignal
  end(): void
}

/**
 * By hand, because AbortSignal.timeout lets a process exit meanwhile, and AbortSignal.any keeps its parts
 * alive for as long as the longest of them: here the one of the whole worker.
 */
export function startDeadline(caller: AbortSignal, timeoutMs: number): Deadline {
  const controller = new AbortController()
  const onCallerAbort = (): void => controller.abort(interruptionOf(caller))
  const timer = setTimeout(() => {
    controller.abort(new DeadlineError(`more than ${timeoutMs.toLocaleString('en')} ms`))
  }, timeoutMs)
  if (caller.aborted) onCallerAbort()
  else caller.addEventListener('abort', onCallerAbort, { once: true })
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      caller.removeEventListener('abort', onCallerAbort)
    },
  }
}
