/** A catalog through Redis and S3 with two worker processes: each row once, and the second time for nothing. */
import { writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import type { RunSummary } from '../../src/report/run-summary.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli, startCli } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords } from '../helpers/pipeline.ts'
import { redisSettings } from '../helpers/queues.ts'
import { openTestBucket, s3Environment } from '../helpers/s3-bucket.ts'
import { services } from '../helpers/services.ts'
import { tempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

const ROWS = 60

describe.skipIf(!services.redis || !services.s3)('a catalog on Redis and S3', () => {
  beforeAll(() => void Object.assign(process.env, s3Environment()))

  test('two workers render every row once; the same manifest again makes no call', async () => {
    await using dir = await tempDir()
    await using bucket = await openTestBucket()
    await using emulator = await startEmulator({ latencyMs: 50 })
    const rows = Array.from(
      { length: ROWS },
      (_, row) => `mug "${row}", matte\tProduce\tBasic\tnone\n`,
    )
    await writeFile(dir.join('prompts.tsv'), `Prompt\tCategory\tChallenge\tNote\n${rows.join('')}`)
    const queue = redisSettings() as { url: string; namespace: string }
    const env = {
      ...s3Environment(),
      QUEUE_URL: queue.url,
      RENDERQ_NAMESPACE: queue.namespace,
      STORAGE_URL: `s3://${bucket.name}/catalog`,
      OPENAI_BASE_URL: emulator.baseUrl,
      OPENAI_API_KEY: 'any',
    }
    const options = { cwd: dir.path, env }
    const workers = ['a', 'b'].map((name) =>
      startCli(['worker', '--state-dir', name, '--log-level', 'warn'], options),
    )
    const renderOnce = async (): Promise<RunSummary> => {
      const enqueued = await runCli(['enqueue', 'prompts.tsv', '--set', 'quality=low'], options)
      expect(enqueued.code).toBe(0)
      let summary: RunSummary | undefined
      await until(
        async () => {
          const status = await runCli(['status', enqueued.stdout.trim(), '--json'], options)
          summary = JSON.parse(status.stdout) as RunSummary
          return summary.state === 'finished'
        },
        { withinMs: 60_000, everyMs: 300 },
      )
      return summary!
    }

    const first = await renderOnce()

    expect(first).toMatchObject({
      rows: ROWS,
      calls: ROWS,
      unknownCalls: 0,
      outcomes: { succeeded: ROWS },
    })
    expect(emulator.stats()).toMatchObject({ calls: ROWS, paid: ROWS })
    await using store = await openStore({ kind: 's3', bucket: bucket.name, prefix: 'catalog' })
    const records = await allRecords(store)
    expect(records.size).toBe(ROWS)
    expect(await expectTrueRecords(store, records.values())).toBe(ROWS)

    const second = await renderOnce()

    expect(second).toMatchObject({ calls: 0, outcomes: { reused: ROWS } })
    expect(emulator.stats().calls).toBe(ROWS)
    for (const worker of workers) worker.kill('SIGTERM')
    for (const worker of workers) expect((await worker.finished).code).toBe(143)
  }, 120_000)
})
