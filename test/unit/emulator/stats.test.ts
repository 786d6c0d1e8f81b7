import { expect, test } from 'vitest'
import { PAID_CALLS_MAX, Stats } from '../../../src/emulator/stats.ts'

const paid = (call: number) => ({
  call,
  operation: 'generate' as const,
  model: 'gpt-image-2',
  prompt: 'x',
  n: 2,
  nonce: `req_${call}`,
})

test('the list of paid calls is bounded, and keeps the newest', () => {
  const stats = new Stats()

  for (let call = 1; call <= PAID_CALLS_MAX + 1; call += 1) stats.paid(paid(call))

  const calls = stats.paidCalls()
  expect(calls.length).toBeLessThanOrEqual(PAID_CALLS_MAX)
  expect(calls.at(-1)?.call).toBe(PAID_CALLS_MAX + 1)
  expect(stats.snapshot()).toMatchObject({
    paid: PAID_CALLS_MAX + 1,
    pictures: 2 * (PAID_CALLS_MAX + 1),
  })
})

test('calls at work are counted until they end', () => {
  const stats = new Stats()
  {
    using first = stats.begin('generate')
    using second = stats.begin('edit')
    expect([first.number, second.number]).toEqual([1, 2])
    expect(stats.snapshot()).toMatchObject({ activeNow: 2 })
  }

  expect(stats.snapshot()).toMatchObject({ activeNow: 0, activeMax: 2, calls: 2 })
})

test('a snapshot does not change afterwards', () => {
  const stats = new Stats()
  const before = stats.snapshot()

  stats.answered(200)

  expect(before).toMatchObject({ answered: 0, byStatus: {} })
})
