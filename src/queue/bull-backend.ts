/** What the three backends have in common towards BullMQ: how to open its queues and workers, and what to keep. */
import type { KeepJobs, Processor, Queue, Worker, WorkerOptions } from 'bullmq'
import type { Ledger } from './ledger.ts'

export type BullQueue = Pick<
  Queue,
  | 'add'
  | 'addBulk'
  | 'getJobCounts'
  | 'getJob'
  | 'getJobState'
  | 'remove'
  | 'rateLimit'
  | 'removeRateLimitKey'
  | 'upsertJobScheduler'
  | 'getJobSchedulers'
  | 'removeJobScheduler'
  | 'on'
  | 'close'
>
export type BullWorker = Pick<Worker, 'run' | 'close' | 'on' | 'cancelJob' | 'waitUntilReady'>
export type BullWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'>

export interface Retention {
  removeOnComplete: KeepJobs
  removeOnFail: KeepJobs
}

export interface BullBackend extends AsyncDisposable {
  /** For people; without a password. */
  readonly name: string
  readonly ledger: Ledger
  readonly retention: Retention
  openQueue(name: string): BullQueue
  openWorker(name: string, processor: Processor, options: BullWorkerOptions): BullWorker
}

/** The address without its password, for messages. */
export function withoutPassword(url: string): string {
  const parsed = new URL(url)
  parsed.password = ''
  parsed.search = ''
  return parsed.toString()
}
