/** Repeats work whose failure costs nothing, with growing waits, until it succeeds or the time is over. */
import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000

export interface KeepTryingOptions {
  /** Only errors of this kind are worth repeating. */
  while(error: unknown): boolean
  forMs: number
  /** Gives up early. */
  signal?: AbortSignal
}

export async function keepTrying<T>(
  work: () => Promise<T>,
  options: KeepTryingOptions,
): Promise<T> {
  const giveUpAt = performance.now() + options.forMs
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await work()
    } catch (error) {
      const isTooLate = performance.now() + waitMs > giveUpAt
      if (!options.while(error) || isTooLate || options.signal?.aborted === true) throw error
    }
    await sleep(waitMs, undefined, options.signal && { signal: options.signal }).catch(() => {})
  }
}
