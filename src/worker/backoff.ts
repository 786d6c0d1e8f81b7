/** How long to wait before the next try. Pure. */

export interface BackoffPolicy {
  backoffMs: number
  backoffMaxMs: number
}

/**
 * Doubles with every try up to the cap, then takes a random point in its upper half, so that workers that
 * failed together do not come back together.
 */
export function backoffDelayMs(
  attemptsMade: number,
  { backoffMs, backoffMaxMs }: BackoffPolicy,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(attemptsMade - 1, 30))
  return Math.round(ceiling * (0.5 + random() / 2))
}
