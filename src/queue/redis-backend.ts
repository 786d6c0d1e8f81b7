/** BullMQ on Redis or Valkey: the backend for many machines. */
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { messageOf, ServiceError } from '../errors.ts'
import {
  withoutPassword,
  type BullBackend,
  type BullQueue,
  type BullWorker,
} from './bull-backend.ts'
import { RedisLedger } from './redis-ledger.ts'

const CONNECT_TIMEOUT_MS = 5_000

/**
 * Finished jobs stay for an hour so that people can look at them; the outcome itself is in the ledger and the
 * store. Failed ones stay a week.
 */
const RETENTION = {
  removeOnComplete: { age: 3_600, count: 1_000 },
  removeOnFail: { age: 7 * 86_400, count: 5_000 },
}

/** Nobody replays the event stream; progress is read from the ledger. */
const EVENTS_MAX = 1_000

export async function openRedisBackend(url: string, namespace: string): Promise<BullBackend> {
  const name = withoutPassword(url)
  const redis = await connect(url, name)
  // The braces keep all keys in one cluster slot, where the scripts need them.
  const prefix = `{${namespace}}`
  const closing: (() => Promise<unknown>)[] = []
  let blocking: Redis | undefined

  return {
    name,
    ledger: new RedisLedger(redis, namespace),
    retention: RETENTION,
    openQueue(queueName): BullQueue {
      const queue = new Queue(queueName, {
        connection: redis,
        prefix,
        streams: { events: { maxLen: EVENTS_MAX } },
      })
      closing.push(() => queue.close())
      return queue
    },
    openWorker(queueName, processor, options): BullWorker {
      // A worker must wait out an outage, where a producer should report it.
      blocking ??= redis.duplicate({ maxRetriesPerRequest: null })
      return new Worker(queueName, processor, { ...options, connection: blocking, prefix })
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(closing.map((close) => close()))
      blocking?.disconnect()
      redis.disconnect()
    },
  }
}

async function connect(url: string, name: string): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // About half a minute of reconnecting before a command gives up.
    maxRetriesPerRequest: 20,
    retryStrategy: (times) => Math.min(times * 100, 2_000),
  })
  let lastError: unknown
  redis.on('error', (error) => {
    lastError = error
  })
  try {
    await withDeadline(
      redis.connect().then(() => redis.ping()),
      CONNECT_TIMEOUT_MS,
    )
    return redis
  } catch (cause) {
    redis.disconnect()
    throw new ServiceError(
      `the queue at ${name} can't be reached: ${messageOf(lastError ?? cause)} - start Redis, or set QUEUE_URL`,
      { cause },
    )
  }
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const { promise, stop } = rejectAfter(deadlineMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    stop()
  }
}

function rejectAfter(deadlineMs: number): { promise: Promise<never>; stop(): void } {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs)
  })
  return { promise, stop: () => clearTimeout(timer) }
}
