/** Several runs on one queue: turns, priorities, retries, and coming back after everything was lost. */
import { writeFile } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { environment, loadConfig } from '../../src/config.ts'
import { startEmulator, type EmulatorOptions } from '../../src/emulator/server.ts'
import type { RunId } from '../../src/job.ts'
import { openLogger } from '../../src/logger.ts'
import type { RunTerms } from '../../src/producer/enqueue.ts'
import { resumeRun } from '../../src/producer/resume-run.ts'
import { retryRun } from '../../src/producer/retry-run.ts'
import type { RowResult } from '../../src/queue/ledger.ts'
import type { QueueSettings } from '../../src/config.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { enterManifest } from '../helpers/entering.ts'
import { startWorker } from '../../src/worker/worker.ts'
import { newRun } from '../helpers/jobs.ts'
import { jsonLines } from '../helpers/pipeline.ts'
import { queueForTests, redisSettings } from '../helpers/queues.ts'
import { redisUrl, services } from '../helpers/services.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

/** Of each run that takes turns. */
const IS_LONG = environment['RENDERQ_TEST_LONG'] === '1'
const ROWS = IS_LONG ? 1_000 : 150
/** Of the longer one's time. In a short run one step of feeding weighs more. */
const DIFFERENCE_MAX = IS_LONG ? 0.2 : 0.5

describe.skipIf(!services.redis)('runs that share a queue', () => {
  const settings = redisSettings()
  const queue = queueForTests(() => settings)
  let dir: TempDir
  let store: Store
  beforeEach(async () => {
    dir = await tempDir()
    store = await openStore({ kind: 'folder', dir: dir.join('renders') })
  })
  afterEach(async () => {
    await store[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  /** Small pictures: what is tested is their order. */
  async function enter(name: string, rowCount: number, terms: RunTerms = {}): Promise<RunId> {
    const rows = Array.from({ length: rowCount }, (_, row) => `${row},${name} ${row}\n`)
    const manifest = dir.join(`${name}.csv`)
    await writeFile(manifest, `id,prompt\n${rows.join('')}`)
    const plan = { set: { model: 'dall-e-2', size: '256x256', response_format: 'b64_json' } }
    const around = { queue: queue(), store, workDir: dir.join('plans') }
    return (await enterManifest(manifest, { ...around, plan, terms })).run
  }

  async function startWork(emulator: EmulatorOptions = {}) {
    const api = await startEmulator(emulator)
    const config = loadConfig(
      {
        stateDir: dir.join('state'),
        openaiBaseUrl: api.baseUrl,
        openaiApiKey: 'any',
        concurrency: 8,
        attempts: 1,
      },
      { cwd: dir.path, env: {} },
    )
    const worker = await startWorker(config, {
      queue: queue(),
      store,
      logger: openLogger('silent'),
    })
    return {
      api,
      async [Symbol.asyncDispose]() {
        await worker.drain(5_000)
        await api[Symbol.asyncDispose]()
      },
    }
  }

  const settledOf = async (run: RunId) => (await queue().ledger.books(run))?.settled ?? 0
  const isOver = async (run: RunId) => (await queue().ledger.books(run))?.finishedAt !== undefined
  const over = (run: RunId) => until(() => isOver(run), { withinMs: 120_000 })
  const endsOf = async (run: RunId) =>
    (await jsonLines<RowResult>(store, `_runs/${run}/results.jsonl`)).map(({ endedAt }) => endedAt)

  test(`two of ${ROWS} rows finish together, and an urgent one overtakes them`, async () => {
    const [one, other] = [await enter('one', ROWS), await enter('other', ROWS)]
    await using _ = await startWork({ latencyMs: 60 })
    await until(async () => (await settledOf(one)) + (await settledOf(other)) > ROWS / 2)

    const urgent = await enter('urgent', 20, { priority: 'high' })
    await Promise.all([one, other, urgent].map(over))

    const ends = await Promise.all([one, other, urgent].map(endsOf))
    const [endOne = 0, endOther = 0, endUrgent = 0] = ends.map((times) => Math.max(...times))
    const began = Math.min(...ends.flat())
    const [shorter, longer] = [endOne - began, endOther - began].toSorted((a, b) => a - b) as [
      number,
      number,
    ]
    expect(longer - shorter).toBeLessThan(longer * DIFFERENCE_MAX)
    expect(endUrgent).toBeLessThan(Math.min(endOne, endOther))
    const leftThen = ends
      .slice(0, 2)
      .flat()
      .filter((time) => time > endUrgent).length
    expect(leftThen).toBeGreaterThan(ROWS / 2)
  }, 180_000)

  test('a paused run lets others pass and goes on later; a cancelled one keeps what it has', async () => {
    const [paused, cancelled] = [await enter('paused', 80), await enter('cancelled', 80)]
    await using work = await startWork({ latencyMs: 80 })
    await until(async () => (await settledOf(paused)) > 4 && (await settledOf(cancelled)) > 4)

    await queue().ledger.steer(paused, 'pause')
    await queue().ledger.steer(cancelled, 'cancel')
    await over(cancelled)

    const books = await queue().ledger.books(cancelled)
    expect(books).toMatchObject({ state: 'cancelled', settled: 80, unknownCalls: 0 })
    expect(books?.outcomes.cancelled).toBeGreaterThan(0)
    const atPause = await settledOf(paused)
    expect(atPause).toBeLessThan(80)
    await queue().ledger.steer(paused, 'unpause')
    await over(paused)
    const kept = books?.outcomes.succeeded ?? 0
    expect(work.api.stats().calls).toBe(80 + kept)
  }, 60_000)

  test('rows that failed are tried again as a run of their own', async () => {
    const first = await enter('retried', 12)
    {
      await using _ = await startWork({
        faults: [{ match: { promptIncludes: 'retried 1' }, fault: { kind: 'moderation' } }],
      })
      await over(first)
    }
    expect((await queue().ledger.books(first))?.outcomes).toMatchObject({
      succeeded: 9,
      refused: 3,
    })

    const tools = { queue: queue(), store, workDir: dir.join('retry') }
    const retried = await retryRun(first, { as: newRun() }, tools)
    await using work = await startWork()
    await over(retried.run)

    expect(retried.rowCount).toBe(3)
    expect(work.api.stats().calls).toBe(3)
    const results = await jsonLines<RowResult>(store, `_runs/${retried.run}/results.jsonl`)
    expect(results.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      '1 succeeded',
      '10 succeeded',
      '11 succeeded',
    ])
    await expect(
      retryRun(first, { as: newRun(), where: ({ errorCode }) => errorCode === 'x' }, tools),
    ).rejects.toThrow(/has no such rows/)
  }, 60_000)

  test('a run whose queue and ledger are lost is rebuilt from the store', async () => {
    const run = await enter('lost', 60)
    {
      await using _ = await startWork({ latencyMs: 20 })
      await until(async () => (await settledOf(run)) >= 20)
      await forget(settings)
    }
    const stored = await pictureCount()
    expect(await queue().ledger.books(run)).toBeUndefined()
    expect(stored).toBeLessThan(60)

    const resumed = await resumeRun(run, { queue: queue(), store })
    await using work = await startWork()
    await over(run)

    expect(resumed.kind).toBe('rebuilt')
    expect(stored).toBeGreaterThanOrEqual(20)
    expect(work.api.stats().calls).toBe(60 - stored)
    expect(await queue().ledger.books(run)).toMatchObject({
      settled: 60,
      outcomes: { succeeded: 60 },
    })
    expect(await endsOf(run)).toHaveLength(60)
    expect(await resumeRun(run, { queue: queue(), store })).toMatchObject({ kind: 'over' })
    await expect(resumeRun(newRun(), { queue: queue(), store })).rejects.toThrow(/there is no run/)
  }, 60_000)

  async function pictureCount(): Promise<number> {
    let count = 0
    for await (const _ of store.list('_records/')) count += 1
    return count
  }
})

async function forget(settings: QueueSettings): Promise<void> {
  const redis = new Redis(redisUrl())
  const keys = await redis.keys(`{${(settings as { namespace: string }).namespace}}*`)
  await redis.del(...keys)
  redis.disconnect()
}
