/** The store is the truth: the queue and the ledger can be lost in the middle of a run. */
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import type { QueueSettings } from '../../src/config.ts'
import { expectSoundRun } from '../helpers/invariants.ts'
import { openPipeline } from '../helpers/pipeline.ts'
import { queueForTests, redisSettings } from '../helpers/queues.ts'
import { redisUrl, services } from '../helpers/services.ts'

async function forgetEverything(settings: QueueSettings): Promise<number> {
  const redis = new Redis(redisUrl())
  const keys = await redis.keys(`{${(settings as { namespace: string }).namespace}}*`)
  await redis.del(...keys)
  redis.disconnect()
  return keys.length
}

describe.skipIf(!services.redis)('when Redis forgets everything in the middle', () => {
  const settings = redisSettings()
  const queue = queueForTests(() => settings)

  test('the same command again finishes the run; no stored row is called again', async () => {
    await using pipeline = await openPipeline(queue)
    const rows = Array.from({ length: 20 }, (_, row) => `sku-${row},mug ${row},low\n`)
    const manifest = `id,prompt,quality\n${rows.join('')}`

    const broken = await pipeline.render(manifest, {
      emulator: { latencyMs: 60 },
      until: async (run, queueNow) => ((await queueNow.ledger.books(run))?.settled ?? 0) >= 6,
    })
    const stored = broken.records.size
    expect(await forgetEverything(settings)).toBeGreaterThan(3)
    expect(await queue().ledger.books(broken.run)).toBeUndefined()
    const finished = await pipeline.render(manifest)

    await expectSoundRun(finished, pipeline.store)
    expect(stored).toBeGreaterThanOrEqual(6)
    expect(stored).toBeLessThan(20)
    expect(broken.calls.calls).toBe(stored)
    expect(finished.calls.calls).toBe(20 - stored)
    expect(finished.books.outcomes).toMatchObject({ reused: stored, succeeded: 20 - stored })
  })
})
