/**
 * A catalog through Redis and S3 with two worker processes: each row once, and the second time for nothing.
 * RENDERQ_TEST_MANIFEST=prompts.tsv runs it with a whole manifest of your own and prints the figures.
 */
import { copyFile, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import type { RunSummary } from '../../src/report/run-summary.ts'
import { openStore } from '../../src/storage/open-store.ts'
import { runCli, startCli } from '../helpers/cli.ts'
import { expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords, untilOver } from '../helpers/pipeline.ts'
import { redisSettings } from '../helpers/queues.ts'
import { openTestBucket, s3Environment } from '../helpers/s3-bucket.ts'
import { services } from '../helpers/services.ts'
import { tempDir } from '../helpers/temp.ts'

const GIVEN = process.env['RENDERQ_TEST_MANIFEST']
const ROWS = 60

/** Writes the manifest and says how many rows it has. */
async function prepareManifest(path: string): Promise<number> {
  if (GIVEN === undefined) {
    const rows = Array.from(
      { length: ROWS },
      (_, row) => `a mug, number ${row}\tProduce\tBasic\tnone\n`,
    )
    await writeFile(path, `Prompt\tCategory\tChallenge\tNote\n${rows.join('')}`)
    return ROWS
  }
  await copyFile(GIVEN, path)
  const validated = await runCli(['validate', path, '--json'], { cwd: '/tmp' })
  return (JSON.parse(validated.stdout) as { rowCount: number }).rowCount
}

describe.skipIf(!services.redis || !services.s3)('a catalog on Redis and S3', () => {
  beforeAll(() => void Object.assign(process.env, s3Environment()))

  test('two workers render every row once; the same manifest again makes no call', async () => {
    await using dir = await tempDir()
    await using bucket = await openTestBucket()
    await using emulator = await startEmulator({ latencyMs: 50 })
    const rowCount = await prepareManifest(dir.join('prompts.tsv'))
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
    await using store = await openStore({ kind: 's3', bucket: bucket.name, prefix: 'catalog' })
    const renderOnce = async (): Promise<RunSummary> => {
      const enqueued = await runCli(['enqueue', 'prompts.tsv', '--set', 'quality=low'], options)
      expect(enqueued.code).toBe(0)
      const run = enqueued.stdout.trim()
      await untilOver(run, store, 600_000)
      const status = await runCli(['status', run, '--json'], options)
      return JSON.parse(status.stdout) as RunSummary
    }

    const startedAt = performance.now()
    const first = await renderOnce()
    const firstMs = performance.now() - startedAt

    expect(first).toMatchObject({
      rows: rowCount,
      calls: rowCount,
      unknownCalls: 0,
      outcomes: { succeeded: rowCount },
    })
    expect(emulator.stats()).toMatchObject({ calls: rowCount, paid: rowCount })
    const records = await allRecords(store)
    expect(records.size).toBe(rowCount)
    expect(await expectTrueRecords(store, records.values())).toBe(rowCount)

    const secondStartedAt = performance.now()
    const second = await renderOnce()
    const secondMs = performance.now() - secondStartedAt

    expect(second).toMatchObject({ calls: 0, outcomes: { reused: rowCount } })
    expect(emulator.stats().calls).toBe(rowCount)
    if (GIVEN !== undefined) {
      const seconds = (ms: number) => (ms / 1_000).toFixed(1)
      console.log(
        `${rowCount} rows: first ${seconds(firstMs)} s, ${first.calls} calls; ` +
          `again ${seconds(secondMs)} s, ${second.calls} calls`,
      )
    }
    for (const worker of workers) worker.kill('SIGTERM')
    for (const worker of workers) expect((await worker.finished).code).toBe(143)
  }, 1_200_000)
})
