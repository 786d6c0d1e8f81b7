/** Opens store and queue for a command and closes them in reverse. */
import type { Config } from '../config.ts'
import { openLogger, type Logger } from '../logger.ts'
import { openQueue } from '../queue/open-queue.ts'
import type { Queue } from '../queue/queue.ts'
import { openStore } from '../storage/open-store.ts'
import type { Store } from '../storage/store.ts'

export interface Parts extends AsyncDisposable {
  store: Store
  queue: Queue
  logger: Logger
}

export interface OpenPartsOptions {
  command: string
  works: boolean
  /** Overrides the configured level, e.g. where a live display owns the terminal. */
  logLevel?: string
}

const WITHOUT_CONDITIONS =
  'does not keep conditions of writes: two workers on one row could overwrite each other, see docs/storage.md'

export async function openParts(config: Config, options: OpenPartsOptions): Promise<Parts> {
  const key = config.openai.apiKey?.reveal()
  const logger = openLogger(options.logLevel ?? config.logLevel, key === undefined ? [] : [key])
  const store = await openStore(config.storage)
  try {
    await store.probe()
    if (store.conditionalWrites === false)
      console.error(`warning: ${store.url} ${WITHOUT_CONDITIONS}`)
    const queue = await openQueue(config.queue, {
      ...options,
      onTrouble: (message) => logger.warn(message),
    })
    return { store, queue, logger, [Symbol.asyncDispose]: () => closeBoth(queue, store) }
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

async function closeBoth(queue: Queue, store: Store): Promise<void> {
  await queue[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
}
