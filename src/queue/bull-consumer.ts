/** BullMQ's workers behind our handlers: what a delivery is, how errors go back, how work stops. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from 'bullmq'
import { z } from 'zod'
import { messageOf, type RenderError } from '../errors.ts'
import { RunId } from '../job.ts'
import type { BullBackend, BullWorker } from './bull-backend.ts'
import { leastWaitMsOf, putBack, toQueueFailure, type Brakes } from './failure.ts'
import { EarlierAttempt, EARLIER_ATTEMPTS_MAX } from '../row-result.ts'
import type {
  ConsumeOptions,
  Consumer,
  Delivery,
  Handlers,
  RunCursor,
  RunTrouble,
} from './queue.ts'
import { SCHEDULES_QUEUE } from './schedules.ts'

/** Longer messages help nobody, and are read with every look at the run. */
const TROUBLE_TEXT_MAX = 1_000

/** A run's steps are short and mostly waiting; this many runs are fed and collected at once. */
const RUNS_AT_ONCE = 4

/**
 * A job whose worker dies is handed on by BullMQ this often. The ledger counts unknown calls and holds a row
 * long before; this bound only ends what never reaches the ledger.
 */
const STALLED_COUNT_MAX = 50

const EarlierAttempts = z.array(EarlierAttempt).max(EARLIER_ATTEMPTS_MAX)

/** BullMQ's own limiter never limits here: it must be set for a pause by `rateLimit()` to reach every worker. */
const LIMITER = { max: 1_000_000, duration: 1_000 }

/**
 * A worker that waits for a rate limit looks up this often. A `close()` that comes just before such a wait begins
 * does not interrupt it, so this is also how long stopping may take then.
 */
const RATE_LIMIT_LOOK_MS = 1_000

/**
 * An idle worker looks by itself this often. BullMQ wakes nobody for a prioritized job that is put back, as ours are after
 * a rate limit; at its own 5 s the last rows of a run would wait that long.
 */
const IDLE_LOOK_S = 1

/** After abandoning, handlers get this long to come back before we stop waiting for them. */
const ABANDON_GRACE_MS = 10_000

/** What the job of a run holds. A step that succeeds leaves no trouble behind. */
export interface RunJob {
  run: string
  cursor: RunCursor
  trouble?: RunTrouble
}

export async function startConsumer(
  backend: BullBackend,
  { handlers, options, brakes }: { handlers: Handlers; options: ConsumeOptions; brakes: Brakes },
): Promise<Consumer> {
  const stopping = new AbortController()
  const abandoned = new AbortController()
  // Every delivery listens to it, and Node takes more than ten listeners for a leak.
  setMaxListeners(0, abandoned.signal)

  const common = {
    autorun: false,
    lockDuration: options.lockDurationMs,
    stalledInterval: options.stalledIntervalMs,
    maxStalledCount: STALLED_COUNT_MAX,
    maximumRateLimitDelay: RATE_LIMIT_LOOK_MS,
    drainDelay: IDLE_LOOK_S,
    settings: {
      backoffStrategy: (attemptsMade: number, _type?: string, error?: Error) =>
        Math.max(options.backoff(attemptsMade), leastWaitMsOf(error)),
    },
    ...backend.retention,
  }
  // The three parameters are spelled out because BullMQ counts them: with fewer there is no signal.
  const renders = backend.openWorker(
    'renders',
    async (job: Job, token?: string, signal?: AbortSignal) => {
      const { payload, earlierAttempts } = contentOf(job)
      const delivery: Delivery = {
        attempt: job.attemptsMade + 1,
        isLastAttempt: job.attemptsMade + 1 >= (job.opts.attempts ?? 1),
        stopping: AbortSignal.any([stopping.signal, ...(signal === undefined ? [] : [signal])]),
        abandoned: abandoned.signal,
        earlierAttempts,
        async remember(attempt) {
          const attempts = [...earlierAttempts, attempt].slice(-EARLIER_ATTEMPTS_MAX)
          await job.updateData({ ...(payload as object), earlierAttempts: attempts })
        },
      }
      try {
        await handlers.render(payload, delivery)
      } catch (error) {
        throw await toQueueFailure(error, { job, token, brakes })
      }
    },
    { ...common, concurrency: options.concurrency, limiter: LIMITER },
  )
  const runs = backend.openWorker(
    'runs',
    async (job: Job, token?: string) => {
      const { run, cursor, trouble } = job.data as RunJob
      const next = await handlers.run(RunId.parse(run), cursor).catch(async (error: unknown) => {
        // Where even this fails, the queue itself is the trouble.
        await job.updateData({ run, cursor, trouble: more(trouble, error) }).catch(() => {})
        throw error
      })
      if (next === 'over') return
      await job.updateData({ run, cursor: next.cursor })
      throw await putBack(job, token, next.againInMs)
    },
    { ...common, concurrency: RUNS_AT_ONCE },
  )

  const { tick } = handlers
  const ticks =
    tick &&
    backend.openWorker(
      SCHEDULES_QUEUE,
      async ({ data, opts, timestamp }: Job) => await tick(data, opts.prevMillis ?? timestamp),
      // Planning is work of this process's own, and rows must not wait for it.
      { ...common, concurrency: 1 },
    )

  const workers = [renders, runs, ...(ticks === undefined ? [] : [ticks])]
  for (const worker of workers) listen(worker, options)
  // Steps are repeated until they succeed, so nobody else would ever say why a run does not move.
  runs.on('failed', (job, error) => {
    options.onTrouble(`${job?.id ?? 'a run'} can't go on: ${messageOf(error)}`, error)
  })
  ticks?.on('failed', (job, error) => {
    options.onTrouble(`${job?.id ?? 'a tick'} failed: ${messageOf(error)}`, error)
  })
  await Promise.all(workers.map((worker) => worker.waitUntilReady()))
  for (const worker of workers) {
    worker.run().catch((error: unknown) => options.onTrouble('queue: a worker has stopped', error))
  }

  let drained: Promise<void> | undefined
  let isClosed = false
  const timers = new Set<NodeJS.Timeout>()
  const drain = async (deadlineMs: number): Promise<void> => {
    if (isClosed) return
    stopping.abort()
    const timer = setTimeout(() => abandoned.abort(), deadlineMs)
    timers.add(timer)
    drained ??= closeAll(workers, abandoned.signal).finally(() => {
      isClosed = true
      for (const each of timers) clearTimeout(each)
    })
    return drained
  }
  return { drain, [Symbol.asyncDispose]: () => drain(0) }
}

/** A row's earlier tries travel beside its payload. Whatever else stands in their place, a row without them is whole. */
function contentOf({ data }: Job): { payload: unknown; earlierAttempts: EarlierAttempt[] } {
  if (typeof data !== 'object' || data === null) return { payload: data, earlierAttempts: [] }
  const { earlierAttempts, ...payload } = data as { earlierAttempts?: unknown }
  return { payload, earlierAttempts: EarlierAttempts.safeParse(earlierAttempts).data ?? [] }
}

const more = (trouble: RunTrouble | undefined, error: unknown): RunTrouble => ({
  message: messageOf(error).slice(0, TROUBLE_TEXT_MAX),
  stepsFailed: (trouble?.stepsFailed ?? 0) + 1,
  since: trouble?.since ?? Date.now(),
})

function listen(worker: BullWorker, { onTrouble }: ConsumeOptions): void {
  worker.on('error', (error) => onTrouble(`queue: ${messageOf(error)}`, error))
  worker.on('stalled', (jobId) => onTrouble(`${jobId} was taken over: its worker is gone`))
  worker.on('lockRenewalFailed', (jobIds) => {
    onTrouble(`lost the lock of ${jobIds.join(', ')}: another worker may take over`)
    for (const jobId of jobIds) worker.cancelJob(jobId, 'lock lost')
  })
}

/** `close()` waits for active jobs without a limit, so the limit is ours. */
async function closeAll(workers: readonly BullWorker[], abandoned: AbortSignal): Promise<void> {
  const closed = Promise.all(workers.map((worker) => worker.close()))
  const givenUp = new AbortController()
  const tooLate = new Promise<void>((resolve) => {
    abandoned.addEventListener('abort', () => {
      sleep(ABANDON_GRACE_MS, undefined, { signal: givenUp.signal }).then(resolve, () => {})
    })
  })
  await Promise.race([closed, tooLate])
  givenUp.abort()
}

/** What "everyone stops" means: nothing is taken until the time is over, and people can read why. */
export function brakesOf(backend: BullBackend, rateLimit: (ms: number) => Promise<void>): Brakes {
  return {
    /** A short wait never shortens a stop. */
    async rateLimit(delayMs) {
      const brake = await backend.ledger.brake()
      await rateLimit(Math.max(delayMs, (brake?.until ?? 0) - Date.now()))
    },
    async stop(error: RenderError, reason: string) {
      const until = Date.now() + STOP_MS
      await backend.ledger.setBrake({ code: error.code, reason, until })
      await rateLimit(STOP_MS)
    },
  }
}

/** Then one more try tells whether the account works again; a starting worker tries at once. */
const STOP_MS = 10 * 60_000
