/** Queues for tests: each opening has a namespace of its own, so tests never meet on a shared server. */
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, inject } from 'vitest'
import type { QueueSettings } from '../../src/config.ts'
import { openQueue } from '../../src/queue/open-queue.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { services } from './services.ts'

const namespace = () => `test_${randomBytes(6).toString('hex')}`

export function redisSettings(): QueueSettings {
  return { backend: 'redis', url: services.redis ?? '', namespace: namespace() }
}

export function postgresSettings(): QueueSettings {
  return { backend: 'postgres', url: services.postgres ?? '', namespace: namespace() }
}

/** An embedded database of its own, ready to be opened. */
export function embeddedSettings(): { backend: 'embedded'; dataDir: string } {
  const dataDir = mkdtempSync(join(tmpdir(), 'renderq-embedded-'))
  seedEmbedded(dataDir)
  return { backend: 'embedded', dataDir }
}

/** For tests that are not about the queue: Redis where there is one, which is quicker, or an embedded one. */
export const anySettings = (): QueueSettings =>
  services.redis === undefined ? embeddedSettings() : redisSettings()

/** Puts a ready embedded database into a state folder, as `.renderq` of a command's folder. */
export function seedEmbedded(stateDir: string): void {
  cpSync(inject('embeddedSeed'), join(stateDir, 'queue'), { recursive: true })
}

/** Opens one queue for the tests of the surrounding describe, and closes it after them. */
export function queueForTests(settings: () => QueueSettings): () => Queue {
  let queue: Queue | undefined
  beforeAll(async () => {
    queue = await openQueue(settings(), { command: 'test', works: true, onTrouble: () => {} })
  }, 60_000)
  afterAll(() => queue?.[Symbol.asyncDispose]())
  return () => {
    if (queue === undefined) throw new Error('the queue is not open yet')
    return queue
  }
}
