/** Schedules by the clock, with seconds: fired by workers, on both servers. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import type { QueueSettings } from '../../src/config.ts'
import { startEmulator, type EmulatorOptions } from '../../src/emulator/server.ts'
import { openLogger } from '../../src/logger.ts'
import { fireTick } from '../../src/producer/schedule-fire.ts'
import { viewSchedules } from '../../src/producer/schedule-list.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { startWorker } from '../../src/worker/worker.ts'
import { postgresSettings, queueForTests, redisSettings } from '../helpers/queues.ts'
import { openScheduleBench, type ScheduleBench } from '../helpers/schedules.ts'
import { postgresUrl, redisUrl, services } from '../helpers/services.ts'
import { until } from '../helpers/until.ts'

const WITHIN = { withinMs: 30_000 }

/** Renders and fires until disposed. */
async function startFiring(bench: ScheduleBench, queue: Queue, options: EmulatorOptions = {}) {
  const api = await startEmulator(options)
  const config = bench.config({
    openaiBaseUrl: api.baseUrl,
    openaiApiKey: 'sk-test-canary-0123456789',
    concurrency: 4,
    backoffMs: 10,
    backoffMaxMs: 50,
  })
  const tools = bench.tools(config)
  const worker = await startWorker(config, {
    queue,
    store: bench.store,
    logger: openLogger('silent'),
    onTick: (payload, dueAt) => fireTick(payload, dueAt, tools),
  })
  return {
    callCount: () => api.paidCalls().length,
    async [Symbol.asyncDispose]() {
      await worker.drain(5_000)
      await api[Symbol.asyncDispose]()
    },
  }
}

function firesByTheClock(settings: () => QueueSettings): void {
  const queueOf = queueForTests(settings)

  async function openBench(): Promise<ScheduleBench> {
    const bench = await openScheduleBench(queueOf)
    const close = () => bench[Symbol.asyncDispose]()
    return {
      ...bench,
      async [Symbol.asyncDispose]() {
        for (const { name } of await queueOf().schedules.list()) {
          await queueOf().schedules.remove(name)
        }
        await close()
      },
    }
  }

  test('it fires, and when it fires again it renders only what has changed', async () => {
    await using bench = await openBench()
    await bench.export('id,prompt\na,a mug\nb,a bowl\nc,a cup\nd,a jug\n')
    // No worker is up.
    await bench.apply({ name: 'often', cron: '*/2 * * * * *', manifest: 'catalog.csv' })
    const views = await viewSchedules({ queue: queueOf(), store: bench.store }, Date.now())
    expect(views).toMatchObject([{ name: 'often', state: 'active', last: null, lastRun: null }])
    expect(views[0]!.next.map((at) => Date.parse(at) % 2_000)).toEqual([0, 0, 0])

    await using firing = await startFiring(bench, queueOf())
    const finished = async () =>
      (await bench.books()).filter(({ finishedAt }) => finishedAt !== undefined)
    await until(async () => (await finished()).length >= 2, WITHIN)
    const first = (await finished())[0]!.digest
    await bench.export('id,prompt\na,a mug\nb,a green bowl\nc,a cup\nd,a jug\ne,a plate\n')
    await until(async () => (await finished()).at(-1)?.digest !== first, WITHIN)

    const runs = await finished()
    const byOutcome = runs.map(({ outcomes }) => [outcomes.succeeded, outcomes.reused])
    const changedAt = runs.findIndex(({ digest }) => digest !== first)
    expect(byOutcome[0]).toEqual([4, 0])
    expect(byOutcome.slice(1, changedAt)).toEqual(runs.slice(1, changedAt).map(() => [0, 4]))
    expect(byOutcome[changedAt]).toEqual([2, 3])
    expect(firing.callCount()).toBe(4 + 2)
  })

  test('it skips while the previous run is still going', async () => {
    await using bench = await openBench()
    await bench.export('id,prompt\na,a mug\nb,a bowl\n')
    await bench.apply({ name: 'slow', cron: '* * * * * *', manifest: 'catalog.csv' })
    await using _ = await startFiring(bench, queueOf(), { latencyMs: 3_000 })

    await until(async () => (await bench.state('slow')).last?.outcome === 'skipped', WITHIN)
    const { last, lastRun } = await bench.state('slow')
    expect(last?.note).toBe(`${lastRun?.run} is not over`)
    await until(async () => (await bench.state('slow')).lastRun?.run !== lastRun?.run, WITHIN)

    const [first, second] = await bench.books()
    expect(first?.run).toBe(lastRun?.run)
    expect(second!.enteredAt).toBeGreaterThanOrEqual(first!.finishedAt!)
  })

  test('a tick that was missed while no worker was up is caught up, once', async () => {
    await using bench = await openBench()
    await bench.export('id,prompt\na,a mug\n')
    const dueAt = new Date((Math.floor(Date.now() / 1_000) + 2) * 1_000)
    const cron = `${dueAt.getUTCSeconds()} ${dueAt.getUTCMinutes()} * * * *`
    await bench.apply({ name: 'missed', cron, manifest: 'catalog.csv' })
    await sleep(dueAt.getTime() - Date.now() + 1_500)
    const [view] = await viewSchedules({ queue: queueOf(), store: bench.store }, Date.now())
    expect(view?.waitsSince).toBe(dueAt.toISOString())

    await using _ = await startFiring(bench, queueOf())
    await using __ = await startFiring(bench, queueOf())
    await until(async () => (await bench.state('missed')).last !== null, WITHIN)
    await sleep(1_500)

    const { last } = await bench.state('missed')
    expect(last).toMatchObject({ outcome: 'fired', dueAt: dueAt.toISOString() })
    expect(await bench.books()).toHaveLength(1)
    const [after] = await queueOf().schedules.list()
    expect(after?.nextAt).toBe(dueAt.getTime() + 3_600_000)
  })
}

describe.skipIf(!services.redis)('on Redis', () => {
  firesByTheClock(redisSettings)

  const settings = redisSettings() as QueueSettings & { namespace: string }
  const queueOf = queueForTests(() => settings)

  test('a clock whose next tick was lost is started again', async () => {
    const nightly = { name: 'nightly', pattern: '30 2 * * *', timeZone: 'UTC', payload: { a: 1 } }
    await queueOf().schedules.put(nightly)
    const [before] = await queueOf().schedules.list()
    const redis = new Redis(redisUrl())
    const prefix = `{${settings.namespace}}:schedules`
    await redis.del(`${prefix}:delayed`, `${prefix}:repeat:nightly:${before?.nextAt}`)
    redis.disconnect()

    expect(await queueOf().schedules.revive()).toEqual(['nightly'])
    expect(await queueOf().schedules.revive()).toEqual([])
    expect(await queueOf().schedules.list()).toEqual([before])
  })
})

describe.skipIf(!services.postgres)('on Postgres', () => {
  const settings = postgresSettings()
  afterAll(async () => {
    const client = new Client(postgresUrl())
    await client.connect()
    const { namespace } = settings as { namespace: string }
    await client.query(`drop schema if exists ${namespace} cascade`)
    await client.end()
  })
  firesByTheClock(() => settings)
})
