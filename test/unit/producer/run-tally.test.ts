import { expect, test } from 'vitest'
import type { RenderJob } from '../../../src/job.ts'
import { RunTally } from '../../../src/producer/run-tally.ts'
import { jobFor, newRun } from '../../helpers/jobs.ts'

const run = newRun()
const totalsOf = (...requests: RenderJob['request'][]) => {
  const tally = new RunTally()
  for (const [row, request] of requests.entries()) tally.add(jobFor(run, row, { request }))
  return tally.totals()
}
const priced = { model: 'gpt-image-2', n: 1, quality: 'low', prompt: '12345678' }
const unpriced = { ...priced, quality: 'auto' }

test('a plan costs what its priced rows cost, and says how many have no price', () => {
  const { costPlannedUsd: one } = totalsOf(priced)

  expect(one).toBe((8 * 5 + 196 * 30) / 1_000_000)
  expect(totalsOf(priced, unpriced, priced)).toMatchObject({
    rowCount: 3,
    costPlannedUsd: 2 * one!,
    unpricedRowCount: 1,
  })
})

test('a plan without any price costs nobody knows what, not nothing', () => {
  expect(totalsOf(unpriced)).toMatchObject({ costPlannedUsd: null, unpricedRowCount: 1 })
})

test('very many rows of a fraction of a cent add up to the cent', () => {
  const tally = new RunTally()
  const job = jobFor(run, 0, { request: priced })
  for (let row = 0; row < 100_000; row += 1) tally.add(job)

  expect(tally.totals().costPlannedUsd).toBe(592)
})

test('an input picture costs by its size, where that is known', () => {
  const costWith = (tally: RunTally) => {
    tally.add(
      jobFor(run, 0, {
        request: priced,
        images: [{ kind: 'url', url: 'https://x.example/a.png' }],
      }),
    )
    return tally.totals().costPlannedUsd!
  }
  const small = costWith(new RunTally(() => ({ width: 256, height: 256 })))

  expect(costWith(new RunTally()) - small).toBeCloseTo(((1_536 - 256) * 8) / 1_000_000, 9)
})
