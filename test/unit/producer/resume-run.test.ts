/** A run is entered on one queue and lost with it; what is resumed on the other one has only the store. */
import { describe, expect, test } from 'vitest'
import { cancelRun } from '../../../src/producer/cancel-run.ts'
import { resumeRun } from '../../../src/producer/resume-run.ts'
import { finishRun } from '../../../src/report/finish-run.ts'
import { endOf, openEnteringBench } from '../../helpers/entering.ts'
import { anySettings, queueForTests } from '../../helpers/queues.ts'
import { withMethod } from '../../helpers/with-method.ts'

const [lostSettings, settings] = [anySettings(), anySettings()]
const lost = queueForTests(() => lostSettings)
const queue = queueForTests(() => settings)

test('what a resume that died halfway has left out is restored by the next one', async () => {
  await using bench = await openEnteringBench()
  const { store } = bench
  const run = await bench.enter(lost(), 6)
  await bench.storePart(run, 1, [endOf(run, 4)])
  await bench.storePart(run, 2, [endOf(run, 0), endOf(run, 2)])
  const dying = withMethod(store, 'get', async (key, options) => {
    if (key.endsWith('results/part-00002.jsonl')) throw new Error('the process is gone')
    return store.get(key, options)
  })
  const first = resumeRun(run, { queue: queue(), store: dying })
  await expect(first).rejects.toThrow('the process is gone')

  const second = await resumeRun(run, { queue: queue(), store })

  expect(second).toEqual({ kind: 'resumed', run, state: 'running', rowsLeft: 3 })
  expect(await queue().ledger.books(run)).toMatchObject({ settled: 3, resultParts: 2 })
  expect(await queue().ledger.unsettledRows(run, 0, 6)).toEqual([1, 3, 5])
})

test('a run whose work was entered again is not resumed beside it', async () => {
  await using bench = await openEnteringBench()
  const { store } = bench
  const run = await bench.enter(lost(), 2)
  const again = await bench.enter(queue(), 2)

  await expect(resumeRun(run, { queue: queue(), store })).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining(`goes on as ${again}`) as string,
  })
})

test('a run that is over is not entered again', async () => {
  await using bench = await openEnteringBench()
  const { store, dir } = bench
  const run = await bench.enter(lost(), 1)
  await cancelRun(run, { queue: lost(), store })
  await finishRun(run, { queue: lost(), store, workDir: dir.join('work') })

  const resumed = await resumeRun(run, { queue: queue(), store })

  expect(resumed).toEqual({ kind: 'over', run, state: 'cancelled', rowsLeft: 0 })
  expect(await queue().ledger.books(run)).toBeUndefined()
})

describe('a cancelled run', () => {
  test('stays cancelled when it is rebuilt, and is still to be closed', async () => {
    await using bench = await openEnteringBench()
    const { store } = bench
    const run = await bench.enter(lost(), 3)
    expect(await cancelRun(run, { queue: lost(), store })).toBe('cancelled')

    const resumed = await resumeRun(run, { queue: queue(), store })

    expect(resumed).toEqual({ kind: 'rebuilt', run, state: 'cancelled', rowsLeft: 3 })
    expect(await queue().runCount()).toBeGreaterThan(0)
  })

  test('is cancelled in the ledger only once the store knows', async () => {
    await using bench = await openEnteringBench()
    const run = await bench.enter(queue(), 3)
    const full = withMethod(bench.store, 'put', async () => {
      throw new Error('disk full')
    })

    await expect(cancelRun(run, { queue: queue(), store: full })).rejects.toThrow('disk full')

    expect((await queue().ledger.books(run))?.state).toBe('running')
    await cancelRun(run, { queue: queue(), store: bench.store })
    expect(await cancelRun(run, { queue: queue(), store: bench.store })).toBe('cancelled')
  })
})
