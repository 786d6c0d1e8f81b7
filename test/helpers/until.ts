import { setTimeout as sleep } from 'node:timers/promises'

/** Waits for a condition instead of a time; fails loudly when it never comes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { withinMs = 15_000, everyMs = 10 } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt)
      throw new Error(`waited ${withinMs} ms in vain: ${condition.toString()}`)
    await sleep(everyMs)
  }
}
