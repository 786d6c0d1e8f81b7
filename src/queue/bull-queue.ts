/** Our queue over BullMQ's, the same for every backend. */
import type { JobType } from 'bullmq'
import { jobIdOf, type RunId } from '../job.ts'
import type { BullBackend } from './bull-backend.ts'
import { brakesOf, startConsumer, type RunJob } from './bull-consumer.ts'
import type { Priority } from '../outcome.ts'
import type { ConsumeOptions, Consumer, Handlers, Queue } from './queue.ts'
import { SCHEDULES_QUEUE, schedulesOver } from './schedules.ts'

/** Above this, one bulk add blocks our own event loop for too long to renew locks comfortably. */
const BULK_ROWS_MAX = 500

const JOB_OPTIONS = { backoff: { type: 'custom' }, stackTraceLimit: 3, keepLogs: 20 }

/** A run's steps are repeated until they succeed: with the longest backoff, this is about a week. */
const RUN_ATTEMPTS = 10_000

/** A store that is away for a moment, or a worker of another store, fails one or two. */
const TROUBLE_STEPS_MIN = 3

/** BullMQ takes the smallest number first, and what has none before all others: so every row has one. */
const BULL_PRIORITY: Readonly<Record<Priority, number>> = { high: 1, normal: 2, low: 3 }

/** While a queue is paused, Postgres counts its waiting jobs under a state that BullMQ's types no longer name. */
const COUNTED_STATES = ['waiting', 'paused', 'prioritized', 'active', 'delayed'] as JobType[]

/** States in which BullMQ will still deliver the job by itself. */
const DELIVERED_STATES: ReadonlySet<string> = new Set([
  'waiting',
  'active',
  'delayed',
  'prioritized',
  'paused',
])

export function queueOver(backend: BullBackend, onTrouble: (message: string) => void): Queue {
  const renders = backend.openQueue('renders')
  const runs = backend.openQueue('runs')
  const ticks = backend.openQueue(SCHEDULES_QUEUE)
  for (const queue of [renders, runs, ticks]) {
    queue.on('error', (error) => onTrouble(`queue: ${error.message}`))
  }
  const brakes = brakesOf(backend, (delayMs) => renders.rateLimit(delayMs))

  return {
    name: backend.name,
    ledger: backend.ledger,
    schedules: schedulesOver(ticks),

    async addRenders(jobs, { attempts, priority = 'normal' }) {
      for (let start = 0; start < jobs.length; start += BULK_ROWS_MAX) {
        await renders.addBulk(
          jobs.slice(start, start + BULK_ROWS_MAX).map((job) => ({
            name: job.operation,
            data: job,
            opts: {
              ...JOB_OPTIONS,
              attempts,
              priority: BULL_PRIORITY[priority],
              jobId: jobIdOf(job),
            },
          })),
        )
      }
    },

    async addRun(run: RunId) {
      // What BullMQ keeps of a run whose steps were given up, or ended while the ledger did not know it, would make
      // adding it again a no-op.
      if (!DELIVERED_STATES.has(await runs.getJobState(run))) await runs.remove(run)
      const data = { run, cursor: { nextRow: 0 } }
      await runs.add('run', data, { ...JOB_OPTIONS, attempts: RUN_ATTEMPTS, jobId: run })
    },

    async renderCounts() {
      const counts = await renders.getJobCounts(...COUNTED_STATES)
      const { waiting = 0, paused = 0, prioritized = 0, active = 0, delayed = 0 } = counts
      return { waiting: waiting + paused + prioritized, active, delayed }
    },

    async runTrouble(run) {
      const job = await runs.getJob(run)
      const { trouble } = (job?.data ?? {}) as Partial<RunJob>
      return trouble !== undefined && trouble.stepsFailed >= TROUBLE_STEPS_MIN ? trouble : undefined
    },

    async runCount() {
      const counts = await runs.getJobCounts(...COUNTED_STATES)
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },

    async missingRenders(run, rows) {
      const missing: number[] = []
      for (const row of rows) {
        const jobId = jobIdOf({ run, row })
        const state = await renders.getJobState(jobId)
        if (DELIVERED_STATES.has(state)) continue
        // A finished job that is still kept would make adding it again a no-op.
        if (state !== 'unknown') await renders.remove(jobId)
        missing.push(row)
      }
      return missing
    },

    async releaseBrake() {
      // Without a brake it is a plain rate limit, and that is to be obeyed.
      if ((await backend.ledger.brake()) === undefined) return
      await backend.ledger.clearBrake()
      await renders.removeRateLimitKey()
    },

    consume(handlers: Handlers, options: ConsumeOptions): Promise<Consumer> {
      return startConsumer(backend, { handlers, options, brakes })
    },

    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}
