/** `kill -9` of a worker in the middle: every row still ends once, and every extra call is booked. */
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { QueueSettings } from '../../src/config.ts'
import { startEmulator } from '../../src/emulator/server.ts'
import type { RowResult } from '../../src/queue/ledger.ts'
import type { RunSummary } from '../../src/report/run-summary.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli, startCli, type Running } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords, jsonLines } from '../helpers/pipeline.ts'
import { postgresSettings, redisSettings, seedEmbedded } from '../helpers/queues.ts'
import { services } from '../helpers/services.ts'
import { tempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

const ROWS = 24
const CONCURRENCY = 4
/** More for the long form: RENDERQ_TEST_KILLS=20 npm run test:crash */
const KILLS = Number(process.env['RENDERQ_TEST_KILLS'] ?? 2)

const backends: { name: string; settings: () => QueueSettings | undefined; isThere: boolean }[] = [
  { name: 'embedded', settings: () => undefined, isThere: true },
  { name: 'Redis', settings: redisSettings, isThere: services.redis !== undefined },
  { name: 'Postgres', settings: postgresSettings, isThere: services.postgres !== undefined },
]

function environmentOf(settings: QueueSettings | undefined): Record<string, string> {
  if (settings === undefined || settings.backend === 'embedded') return {}
  return { QUEUE_URL: settings.url, RENDERQ_NAMESPACE: settings.namespace }
}

describe.concurrent.each(backends)('kill -9 on $name', ({ settings, isThere }) => {
  test.skipIf(!isThere)(
    `a run of ${ROWS} rows survives ${KILLS} kills`,
    async () => {
      await using dir = await tempDir()
      seedEmbedded(dir.join('.renderq'))
      await using emulator = await startEmulator({ latencyMs: 250 })
      const rows = Array.from({ length: ROWS }, (_, row) => `sku-${row},mug ${row},low\n`)
      await writeFile(dir.join('catalog.csv'), `id,prompt,quality\n${rows.join('')}`)
      const env = {
        ...environmentOf(settings()),
        OPENAI_BASE_URL: emulator.baseUrl,
        OPENAI_API_KEY: 'any',
        RENDERQ_LOCK_DURATION_MS: '2000',
        RENDERQ_STALLED_INTERVAL_MS: '500',
        RENDERQ_CONCURRENCY: String(CONCURRENCY),
        RENDERQ_LOG_LEVEL: 'warn',
      }
      const options = { cwd: dir.path, env }
      const enqueued = await runCli(['enqueue', 'catalog.csv'], options)
      expect(enqueued.code).toBe(0)
      const run = enqueued.stdout.trim()
      const start = () => startCli(['worker'], options)

      let worker: Running = start()
      for (let kill = 0; kill < KILLS; kill++) {
        const goal = Math.min(ROWS - 2, emulator.stats().calls + 3)
        await until(() => emulator.stats().calls >= goal, { withinMs: 60_000 })
        await sleep(Math.random() * 400)
        worker.kill('SIGKILL')
        await worker.finished
        worker = start()
      }
      const statusOf = async () =>
        JSON.parse((await runCli(['status', run, '--json'], options)).stdout) as RunSummary
      await until(async () => (await statusOf()).state === 'finished', {
        withinMs: 90_000,
        everyMs: 250,
      })
      const status = await statusOf()
      worker.kill('SIGTERM')
      await worker.finished

      await using store = await openStore({ kind: 'folder', dir: dir.join('renders') })
      const records = await allRecords(store)
      const results = await jsonLines<RowResult>(store, `_runs/${run}/results.jsonl`)
      expect(records.size).toBe(ROWS)
      expect(await expectTrueRecords(store, records.values())).toBe(ROWS)
      expect(results.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: ROWS }, (_, row) => row),
      )
      expect(status.outcomes).toMatchObject({ succeeded: ROWS, failed: 0, held: 0 })
      // Each extra call is one that was in flight at a kill, and the books know it.
      const extra = emulator.stats().calls - ROWS
      expect(extra).toBeLessThanOrEqual(KILLS * CONCURRENCY)
      expect(status.unknownCalls).toBeGreaterThanOrEqual(extra)
      expect(status.unknownCalls).toBeLessThanOrEqual(KILLS * CONCURRENCY)
      expect(status.calls).toBeGreaterThanOrEqual(emulator.stats().calls)
    },
    180_000,
  )
})
