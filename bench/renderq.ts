/**
 * Subject: the worker as `startWorker` wires it, with a real spool and the S3 store. Only queue and ledger are
 * stand-ins, because the other subjects have none.
 */
import { loadConfig } from '../src/config.ts'
import { openLogger } from '../src/logger.ts'
import type { Ledger } from '../src/queue/ledger.ts'
import type { Handlers, Queue } from '../src/queue/queue.ts'
import { openStore } from '../src/storage/open-store.ts'
import type { Store } from '../src/storage/store.ts'
import { startWorker } from '../src/worker/worker.ts'
import { FIRST_DELIVERY, jobFor, newRun } from '../test/helpers/jobs.ts'
import { measure, type Subject } from './measure.ts'
import type { Task } from './task.ts'

async function openRenderq(task: Task): Promise<Subject> {
  const { apiUrl, concurrency, n, withLookUps, workDir } = task
  const config = loadConfig(
    {
      openaiApiKey: 'any',
      openaiBaseUrl: apiUrl,
      storageUrl: 's3://bench/renderq',
      stateDir: workDir,
      concurrency,
      logLevel: 'warn',
    },
    { cwd: workDir, env: {} },
  )
  const store = await openStore(config.storage)
  let render: Handlers['render'] | undefined
  const worker = await startWorker(config, {
    queue: queueThatHandsOver((handlers) => (render = handlers.render)),
    store: withLookUps ? store : withoutLookUps(store),
    logger: openLogger(config.logLevel),
  })
  const run = newRun()
  const request = { model: 'gpt-image-2', n, quality: 'low' }
  const delivery = { ...FIRST_DELIVERY, isLastAttempt: true }
  return {
    async call(number) {
      const prompt = `a mug on a shelf, ${number}`
      const job = jobFor(run, number, { request: { ...request, prompt } })
      await render?.(job, delivery)
    },
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

const ledger: Partial<Ledger> = {
  books: async () => undefined,
  begin: async () => ({ kind: 'go', epoch: 1, calls: 1, unknownCalls: 0 }),
  settle: async (_, { result }) => {
    if (result.outcome !== 'succeeded') throw new Error(`a row ended as ${result.outcome}`)
    return 'settled'
  },
  release: async () => true,
}

function queueThatHandsOver(take: (handlers: Handlers) => void): Queue {
  const queue: Partial<Queue> = {
    ledger: ledger as Ledger,
    releaseBrake: async () => {},
    consume: async (handlers) => {
      take(handlers)
      return { drain: async () => {}, [Symbol.asyncDispose]: async () => {} }
    },
  }
  return queue as Queue
}

/** Pictures are still put under their condition; nothing is looked up and no record is written. */
function withoutLookUps(store: Store): Store {
  return {
    url: store.url,
    put: async (key, body, options) =>
      key.startsWith('_records/')
        ? { kind: 'stored', etag: '' }
        : await store.put(key, body, options),
    get: async () => undefined,
    head: async () => undefined,
    list: (prefix) => store.list(prefix),
    probe: () => store.probe(),
    locationOf: (key) => store.locationOf(key),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

await measure(openRenderq)
