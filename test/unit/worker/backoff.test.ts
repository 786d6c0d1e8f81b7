import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffDelayMs } from '../../../src/worker/backoff.ts'

const POLICY = { backoffMs: 1_000, backoffMaxMs: 60_000 }

test('the wait doubles with every try', () => {
  const waits = [1, 2, 3, 4].map((tries) => backoffDelayMs(tries, POLICY, () => 1))

  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000])
})

test('the wait is never above the cap nor below half of what it would be without jitter', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (tries, random) => {
        const wait = backoffDelayMs(tries, POLICY, () => random)
        const ceiling = Math.min(60_000, 1_000 * 2 ** (tries - 1))
        expect(wait).toBeLessThanOrEqual(60_000)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2))
        expect(wait).toBeLessThanOrEqual(Math.ceil(ceiling))
      },
    ),
  )
})
