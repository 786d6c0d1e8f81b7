/** Plan, enqueue, work and watch in one process; what the run comes to decides the exit code. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type Config } from '../config.ts'
import { EXIT, messageOf, RenderqError, ServiceError } from '../errors.ts'
import { enqueuePlan, type RunTerms } from '../producer/enqueue.ts'
import type { Plan } from '../producer/plan.ts'
import type { Brake, RunBooks } from '../queue/ledger.ts'
import type { Consumer, RunTrouble } from '../queue/queue.ts'
import { summaryOf } from '../report/run-summary.ts'
import { startWorker } from '../worker/worker.ts'
import { endsOnSignal } from './ends-on-signal.ts'
import { exitCodeOfRun } from './exit-code.ts'
import { nextCommand, sameCommand, type CarriedFlags, type Next } from './go-on.ts'
import { openParts, type Parts } from './parts.ts'
import { planFor, termsOf } from './plan.ts'
import { openProgress, type Progress } from './progress.ts'
import { requireApi } from './require-api.ts'
import type { RunFlags } from './run.ts'
import { printEnd } from './run-end.ts'
import { exitCodeOf, onStopSignals, type StopLadder } from './stop-signals.ts'
import { stuckness } from './stuck.ts'
import { configWithEmulator } from './with-emulator.ts'

const LOOK_EVERY_MS = 200
/** A queue that is away for longer ends the command; what was paid is stored all the same. */
const OUTAGE_MAX_MS = 2 * 60_000

/** Returns the exit code. */
export async function runManifest(manifest: string, flags: RunFlags): Promise<number> {
  if (!flags.emulator) {
    return runWith(manifest, flags, { config: loadConfig(flags), carried: flags })
  }
  await using emulated = await configWithEmulator(flags)
  return await runWith(manifest, flags, emulated)
}

async function runWith(
  manifest: string,
  flags: RunFlags,
  { config, carried }: { config: Config; carried: CarriedFlags },
): Promise<number> {
  requireApi(config)
  const planning = endsOnSignal()
  await using plan = await planFor(manifest, flags, config)
  const next: Next = (words) => nextCommand(words, carried)
  const progress = openProgress({ asJson: flags.json, next })
  progress.planned(manifest, plan)
  // The live block owns the terminal; a level that was asked for still wins.
  const logLevel = config.isSet('logLevel') ? config.logLevel : 'silent'
  if (config.queue.backend === 'embedded' && !existsSync(join(config.queue.dataDir, 'queue')))
    progress.note('making the embedded queue, this takes some seconds')
  await using parts = await openParts(config, { command: 'run', works: true, logLevel })
  const terms = termsOf(flags)
  planning[Symbol.dispose]()
  return await render(plan, { config, parts, progress, terms, next, isEmulated: flags.emulator })
}

interface Running {
  config: Config
  parts: Parts
  progress: Progress
  terms: RunTerms
  next: Next
  isEmulated: boolean
}

async function render(
  plan: Plan,
  { config, parts, progress, terms, next, isEmulated }: Running,
): Promise<number> {
  let worker: Consumer | undefined
  // From here on a signal must not end the process at once: calls may be under way.
  const ladder = onStopSignals({
    first: () => progress.note(stoppingNote(config)),
    second: () => {
      progress.note('giving up what is in flight; it may have been paid')
      void worker?.drain(0)
    },
  })
  try {
    const { kind, run } = await enqueuePlan(plan, parts, terms)
    progress.started({ run, kind, queue: parts.queue.name, store: parts.store.url })
    if (ladder.received === undefined)
      worker = await startWorker(config, { ...parts, onPreview: progress.previewed })
    const end = await watch(run, { parts, progress, ladder, next, isStuck: stuckness() })
    await worker?.drain(config.worker.drainTimeoutMs)
    progress.close()
    const books = await parts.queue.ledger.books(run)
    if (books === undefined) throw lostRun(run, next)
    const { store, queue } = parts
    const { asJson } = progress
    await printEnd(books, { end, ledger: queue.ledger, store, asJson, isEmulated, next })
    return exitCodeFor(end, books)
  } finally {
    progress.close()
    // Whatever went wrong above, paid calls get their time.
    await worker?.drain(config.worker.drainTimeoutMs)
    ladder.close()
  }
}

export type RunEnd =
  | { kind: 'finished' }
  | { kind: 'stopped'; signal: 'SIGINT' | 'SIGTERM' }
  | { kind: 'braked'; brake: Brake }
  | { kind: 'stuck'; trouble: RunTrouble }

interface Watching {
  parts: Parts
  progress: Progress
  ladder: StopLadder
  next: Next
  isStuck: ReturnType<typeof stuckness>
}

async function watch(run: string, watching: Watching): Promise<RunEnd> {
  const { parts, ladder } = watching
  let lookedAt = performance.now()
  for (;;) {
    if (ladder.received !== undefined) return { kind: 'stopped', signal: ladder.received }
    try {
      const end = await look(run, watching)
      if (end !== undefined) return end
      lookedAt = performance.now()
    } catch (cause) {
      if (cause instanceof RenderqError) throw cause
      // The worker waits an outage out, and so do we, for a while.
      if (performance.now() - lookedAt > OUTAGE_MAX_MS) throw lostQueue(parts, cause)
    }
    await Promise.race([sleep(LOOK_EVERY_MS), ladder.stopped])
  }
}

async function look(
  run: string,
  { parts: { queue }, progress, next, isStuck }: Watching,
): Promise<RunEnd | undefined> {
  const books = await queue.ledger.books(run)
  if (books === undefined) throw lostRun(run, next)
  const isOver = books.finishedAt !== undefined
  const trouble = isOver ? undefined : await queue.runTrouble(run)
  progress.advanced(books, { counts: await queue.renderCounts(), trouble })
  if (isOver) return { kind: 'finished' }
  if (isStuck(books, trouble)) return { kind: 'stuck', trouble }
  const brake = await queue.ledger.brake()
  return brake === undefined ? undefined : { kind: 'braked', brake }
}

/** Somebody emptied the queue's server. What is stored is not called again. */
function lostRun(run: string, next: Next): ServiceError {
  return new ServiceError(
    `the queue has lost ${run}: rebuild it from the store with  ${next(['resume', run])}  or run the same command again:  ${sameCommand()}`,
  )
}

function lostQueue({ queue }: Parts, cause: unknown): ServiceError {
  const message = `the queue at ${queue.name} does not answer: ${messageOf(cause)} - later run the same command again:  ${sameCommand()}`
  return new ServiceError(message, { cause })
}

function exitCodeFor(end: RunEnd, books: RunBooks): number {
  switch (end.kind) {
    case 'stopped':
      return exitCodeOf(end.signal)
    case 'braked':
      return end.brake.code === 'quota_exhausted' ? EXIT.stoppedByLimit : EXIT.serviceUnavailable
    case 'stuck':
      return EXIT.serviceUnavailable
    case 'finished':
      return exitCodeOfRun(summaryOf(books))
  }
}

function stoppingNote({ worker }: Config): string {
  const seconds = Math.round(worker.drainTimeoutMs / 1_000)
  return `stopping: calls already sent are paid for, waiting up to ${seconds} s for them (Ctrl-C again gives them up)`
}
