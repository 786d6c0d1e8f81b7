/**
 * `kill -9` of any process at random moments: the command that enqueues, the worker that holds the run, one that
 * renders. Every row still ends once, every extra call is booked, and the files are a recount of the records.
 */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { QueueSettings } from '../../src/config.ts'
import { startEmulator } from '../../src/emulator/server.ts'
import type { RunSummary } from '../../src/report/run-summary.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { runCli, startCli, type CliOptions, type Running } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords, untilOver } from '../helpers/pipeline.ts'
import { postgresSettings, redisSettings, seedEmbedded } from '../helpers/queues.ts'
import { services } from '../helpers/services.ts'
import { tempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'
import { expectRecount } from './recount.ts'

/** The long form is `npm run test:crash`. */
const KILLS = Number(process.env['RENDERQ_TEST_KILLS'] ?? 2)
const PRINTS_FIGURES = 'RENDERQ_TEST_KILLS' in process.env
const ROWS = Math.max(24, KILLS * 10)
/** So many of them hit the command before it has entered the run, and so many the last steps of the run. */
const KILLS_AT_THE_START = Math.ceil(KILLS / 10)
const KILLS_AT_THE_END = Math.ceil(KILLS / 10)
const KILLS_BETWEEN = KILLS - KILLS_AT_THE_START - KILLS_AT_THE_END
const CONCURRENCY = 4
const LATENCY_MS = 200
/** Between two kills in the middle, so that these come while rows are left. */
const CALLS_BETWEEN = 6
/** A command that enqueues in the middle is killed before so many rows can have ended: it must find the run. */
const ROWS_LEFT_MIN = 150

const backends: Backend[] = [
  { name: 'embedded', settings: () => undefined, isThere: true, workers: 1, enqueueMs: 2_500 },
  {
    name: 'Redis',
    settings: redisSettings,
    isThere: services.redis !== undefined,
    workers: 2,
    enqueueMs: 1_000,
  },
  {
    name: 'Postgres',
    settings: postgresSettings,
    isThere: services.postgres !== undefined,
    workers: 2,
    enqueueMs: 1_500,
  },
]

interface Backend {
  name: string
  settings: () => QueueSettings | undefined
  isThere: boolean
  /** Embedded, one process owns the queue. */
  workers: number
  /** About how long `enqueue` takes. */
  enqueueMs: number
}

function environmentOf(settings: QueueSettings | undefined): Record<string, string> {
  if (settings === undefined || settings.backend === 'embedded') return {}
  return { QUEUE_URL: settings.url, RENDERQ_NAMESPACE: settings.namespace }
}

describe.concurrent.each(backends)('kill -9 on $name', (backend) => {
  test.skipIf(!backend.isThere)(
    `a run of ${ROWS} rows survives ${KILLS} kills`,
    async () => {
      await using dir = await tempDir()
      seedEmbedded(dir.join('.renderq'))
      await using emulator = await startEmulator({ latencyMs: LATENCY_MS })
      await writeFile(dir.join('catalog.csv'), catalog())
      const options: CliOptions = {
        cwd: dir.path,
        env: {
          ...environmentOf(backend.settings()),
          OPENAI_BASE_URL: emulator.baseUrl,
          OPENAI_API_KEY: 'any',
          RENDERQ_LOCK_DURATION_MS: '3000',
          RENDERQ_STALLED_INTERVAL_MS: '500',
          RENDERQ_CONCURRENCY: String(CONCURRENCY),
          RENDERQ_LOG_LEVEL: 'warn',
        },
      }
      await using store = await openStore({ kind: 'folder', dir: dir.join('renders') })
      const rowsLeft = async () => ROWS - (await recordCount(store))
      const enqueue = () => startCli(['enqueue', 'catalog.csv'], options)
      const hits = { enqueue: 0, worker: 0 }
      const killEnqueue = async () => {
        if (await kill(enqueue(), Math.random() * backend.enqueueMs)) hits.enqueue += 1
      }

      while (hits.enqueue < KILLS_AT_THE_START) await killEnqueue()
      const enqueued = await enqueue().finished
      expect(enqueued.code, enqueued.stderr).toBe(0)
      const run = enqueued.stdout.trim()

      await using crew = startCrew(backend.workers, options)
      const killWorker = async (afterMs: number) => {
        await crew.killOne(afterMs)
        hits.worker += 1
      }
      while (hits.enqueue + hits.worker < KILLS_AT_THE_START + KILLS_BETWEEN) {
        const goal = emulator.stats().calls + CALLS_BETWEEN
        await until(async () => emulator.stats().calls >= goal || (await rowsLeft()) === 0, {
          withinMs: 60_000,
        })
        const isEnqueue = Math.random() < 1 / (backend.workers + 1)
        if (isEnqueue && (await rowsLeft()) > ROWS_LEFT_MIN) await killEnqueue()
        else await killWorker(Math.random() * 500)
      }
      const leftBeforeTheEnd = await rowsLeft()
      for (let killed = 0; killed < KILLS_AT_THE_END; killed++) {
        await until(async () => (await rowsLeft()) === 0, { withinMs: 120_000, everyMs: 100 })
        await killWorker(Math.random() * 2_500)
      }

      await untilOver(run, store, 90_000)
      const statusOf = async (...args: string[]) =>
        JSON.parse((await runCli(['status', ...args, '--json'], options)).stdout) as RunSummary & {
          runs: RunSummary[]
        }
      await until(async () => (await statusOf(run)).state === 'finished', {
        withinMs: 30_000,
        everyMs: 1_000,
      })
      const { runs } = await statusOf()
      expect(runs.map((each) => each.run)).toEqual([run])
      await crew.stop()

      const records = await allRecords(store)
      expect(records.size).toBe(ROWS)
      expect(await recordCount(store)).toBe(ROWS)
      expect(await expectTrueRecords(store, records.values())).toBe(ROWS)
      // Each extra call is one that was in flight at a kill, and the books know it.
      const extra = emulator.stats().calls - ROWS
      const [status] = runs
      if (PRINTS_FIGURES) {
        const kills = `${hits.worker} kills of workers, ${hits.enqueue} of enqueue`
        const books = `${status?.calls} calls booked, ${status?.unknownCalls} of them unknown`
        const left = `${leftBeforeTheEnd} rows left before the last ${KILLS_AT_THE_END} kills`
        console.log(`${backend.name}: ${kills}; ${left}; ${extra} extra calls, ${books}`)
      }
      expect(extra).toBeLessThanOrEqual(hits.worker * CONCURRENCY)
      expect(status?.unknownCalls).toBeGreaterThanOrEqual(extra)
      expect(status?.unknownCalls).toBeLessThanOrEqual(hits.worker * CONCURRENCY)
      expect(status?.calls).toBeGreaterThanOrEqual(emulator.stats().calls)
      const document = await expectRecount(run, records, store)
      expect(document).toMatchObject({
        outcomes: status?.outcomes,
        pictures: status?.pictures,
        calls: status?.calls,
        unknownCalls: status?.unknownCalls,
        costUsd: status?.costUsd,
      })
    },
    180_000 + KILLS * 10_000,
  )
})

/** Small pictures, so that processes are what takes the time. */
function catalog(): string {
  const rows = Array.from(
    { length: ROWS },
    (_, row) => `sku-${row},mug ${row},dall-e-2,256x256,b64_json\n`,
  )
  return `id,prompt,model,size,response_format\n${rows.join('')}`
}

/** True when it hit: the process may have been quicker. */
async function kill(victim: Running, afterMs: number): Promise<boolean> {
  await Promise.race([sleep(afterMs), victim.finished])
  victim.kill('SIGKILL')
  return (await victim.finished).signal === 'SIGKILL'
}

/** Whoever is killed is followed by another one. Each has a spool of its own, as on several machines. */
function startCrew(workerCount: number, options: CliOptions) {
  const stateFlags = (index: number) => (index === 0 ? [] : ['--state-dir', `.renderq-${index}`])
  const start = (index: number): Running => startCli(['worker', ...stateFlags(index)], options)
  const workers = Array.from({ length: workerCount }, (_, index) => start(index))
  const stop = async () => {
    for (const worker of workers) worker.kill('SIGTERM')
    await Promise.all(workers.map(({ finished }) => finished))
  }
  return {
    async killOne(afterMs: number): Promise<void> {
      const index = Math.floor(Math.random() * workerCount)
      const victim = workers[index]!
      expect(await kill(victim, afterMs), victim.stderr).toBe(true)
      workers[index] = start(index)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function recordCount(store: Store): Promise<number> {
  let count = 0
  for await (const _ of store.list('_records/')) count += 1
  return count
}
