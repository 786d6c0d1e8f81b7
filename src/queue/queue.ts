/**
 * What the rest of renderq sees of the queue: rows and runs go in, handlers are called with them. The two
 * queues inside, `renders` (one job a row) and `runs` (one job a run), are BullMQ's; which backend they run on
 * is `open-queue.ts`'s business.
 */
import type { RenderJob, RunId } from '../job.ts'
import type { Priority } from '../outcome.ts'
import type { EarlierAttempt } from '../row-result.ts'
import type { Ledger } from './ledger.ts'

export interface RenderCounts {
  /** Rows that a worker could take now: waiting, prioritized, or held back by a pause. */
  waiting: number
  active: number
  /** Rows that wait for their next try. */
  delayed: number
}

/** What a handler knows about its own delivery. */
export interface Delivery {
  /** One-based. */
  attempt: number
  /** After this attempt the queue will not try again by itself. */
  isLastAttempt: boolean
  /** Aborted when nothing new may be sent: the worker is stopping, or the job's lock is lost. */
  stopping: AbortSignal
  /** Aborted when even a paid call must be given up: the drain deadline has passed. */
  abandoned: AbortSignal
  /** What was remembered of the row's tries before this one; lost with the queue. */
  earlierAttempts: readonly EarlierAttempt[]
  /** Keeps it with the row for the deliveries to come; the oldest ones give way. */
  remember(attempt: EarlierAttempt): Promise<void>
}

/** Where a run stands in feeding; kept in its job, so whoever holds the run next goes on from there. */
export interface RunCursor {
  nextRow: number
  /** Rows with an outcome at the last step: how fast the run is worked on. */
  settled?: number
  /** Unix ms, when all rows that were fed were found to be on the queue, or put back. */
  lookedAt?: number
  /** Steps in which a cancelled run has waited for nothing but answers that are to be stored. */
  stepsForAnswers?: number
}

/** Why a run does not move: its steps fail one after the other. They are tried again until they succeed. */
export interface RunTrouble {
  /** The error of the last one. */
  message: string
  stepsFailed: number
  /** Unix ms, of the first. */
  since: number
}

export interface Handlers {
  /** `payload` is whatever the queue holds: to be parsed, not trusted. Rejects with a RenderError to be retried. */
  render(payload: unknown, delivery: Delivery): Promise<void>
  /** One step of a run. Says when the next step is due and from where, or that the run is over. */
  run(run: RunId, cursor: RunCursor): Promise<{ againInMs: number; cursor: RunCursor } | 'over'>
  /**
   * A schedule's tick that was due at `dueAt` (Unix ms), maybe long ago: of the ticks that pass while nobody takes
   * any, the first is delivered, once. Rejects to get it again after the backoff. Absent: no ticks are taken.
   */
  tick?(payload: unknown, dueAt: number): Promise<void>
}

/** A clock on the queue: every time its pattern says, `payload` is delivered to one worker as a tick. */
export interface ScheduleEntry {
  name: string
  /** A cron expression. */
  pattern: string
  /** An IANA name. */
  timeZone: string
  payload: unknown
}

export interface Schedules {
  /** Adds or replaces; either way the clock starts now, and a tick that is waiting is dropped. */
  put(entry: ScheduleEntry): Promise<void>
  /** By their next tick (Unix ms), the earliest first. One that is past waits for a worker. */
  list(): Promise<(ScheduleEntry & { nextAt: number | undefined })[]>
  /** False when there is none of that name. A tick that is being worked on goes on. */
  remove(name: string): Promise<boolean>
  /** Starts clocks again whose next tick was lost with a server. Gives their names. */
  revive(): Promise<string[]>
}

export interface ConsumeOptions {
  concurrency: number
  lockDurationMs: number
  stalledIntervalMs: number
  /** Wait before the next try, from the number of tries made (one-based). */
  backoff(attemptsMade: number): number
  /** Things worth a log line that no handler sees: stalls, lost locks, connection trouble. */
  onTrouble(message: string, error?: unknown): void
}

export interface Consumer extends AsyncDisposable {
  /**
   * Takes nothing new, gives back what has not been sent, waits for what has; after `deadlineMs` abandons
   * that too. Safe to call again: a shorter deadline wins.
   */
  drain(deadlineMs: number): Promise<void>
}

export interface AddOptions {
  /** Tries per row. */
  attempts: number
  /** Absent: normal. */
  priority?: Priority | undefined
}

export interface Queue extends AsyncDisposable {
  /** For people; without a password. */
  readonly name: string
  readonly ledger: Ledger
  readonly schedules: Schedules
  /** Adds rows; one that is there already stays as it is. Not atomic: after a failure add the same rows again. */
  addRenders(jobs: readonly RenderJob[], options: AddOptions): Promise<void>
  /** Adds the run; one that is on the queue already stays where it is. */
  addRun(run: RunId): Promise<void>
  renderCounts(): Promise<RenderCounts>
  /** Undefined while its steps succeed; one or two that failed are no trouble yet. */
  runTrouble(run: RunId): Promise<RunTrouble | undefined>
  /** Runs that are not over. */
  runCount(): Promise<number>
  /** Of these rows, the ones the queue knows nothing of or has given up: they must be added again to be rendered. */
  missingRenders(run: RunId, rows: readonly number[]): Promise<number[]>
  /** Lets everyone call again at once. */
  releaseBrake(): Promise<void>
  consume(handlers: Handlers, options: ConsumeOptions): Promise<Consumer>
}
