/**
 * The only door to BullMQ, ioredis, pg and PGlite: settings in, our queue out. Backends load lazily, so that
 * Redis users never load PGlite and `--help` loads none of them.
 */
import type { QueueSettings } from '../config.ts'
import type { BullBackend } from './bull-backend.ts'
import type { Queue } from './queue.ts'

export interface OpenQueueOptions {
  /** What this process is doing, for messages to others: `worker`, `enqueue`, … */
  command: string
  /** True for processes that render. */
  works: boolean
  /** Things worth telling a person that no call reports. */
  onTrouble(message: string): void
}

/** Throws ServiceError when it can't be reached, EmbeddedOwnedError when another process works on it. */
export async function openQueue(
  settings: QueueSettings,
  options: OpenQueueOptions,
): Promise<Queue> {
  const backend = await openBackend(settings, options)
  const { queueOver } = await import('./bull-queue.ts')
  return queueOver(backend, options.onTrouble)
}

async function openBackend(
  settings: QueueSettings,
  { command, works, onTrouble }: OpenQueueOptions,
): Promise<BullBackend> {
  switch (settings.backend) {
    case 'redis': {
      const { openRedisBackend } = await import('./redis-backend.ts')
      return openRedisBackend(settings.url, settings.namespace)
    }
    case 'postgres': {
      const { openPostgresBackend } = await import('./postgres-backend.ts')
      return openPostgresBackend(settings.url, settings.namespace)
    }
    case 'embedded': {
      const { openEmbeddedBackend } = await import('./embedded-backend.ts')
      const { dataDir } = settings
      return openEmbeddedBackend({ dataDir, command, works, onWait: onTrouble })
    }
  }
}
