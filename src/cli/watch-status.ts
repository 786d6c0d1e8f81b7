/**
 * Follows a run until it is over: a live block on a terminal, elsewhere a line whenever something moved. Only
 * looks; the run goes on when nobody watches.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig, type Config } from '../config.ts'
import { ConfigError, EXIT, messageOf, RenderqError, ServiceError } from '../errors.ts'
import type { Queue } from '../queue/queue.ts'
import { currentRun, findRun } from '../report/find-run.ts'
import { readRunStatus } from '../report/status.ts'
import { exitCodeOfRun } from './exit-code.ts'
import { formatStatus } from './format-status.ts'
import { nextCommand, type CarriedFlags, type Next } from './go-on.ts'
import { findingIn, openForLooking } from './looking.ts'
import { exitCodeOf, onStopSignals, type StopLadder, type StopSignal } from './stop-signals.ts'
import { openWatchView, type Sight, type WatchView } from './watch-view.ts'

export interface WatchFlags extends CarriedFlags {
  json: boolean
}

const LOOK_EVERY_MS = 1_000
/** A look that is expensive, as opening an embedded database is, may take this part of our time. */
const LOOKING_SHARE = 0.2
const OUTAGE_MAX_MS = 2 * 60_000

/** Returns the exit code: that of the run, or that of the signal. */
export async function watchStatus(name: string | undefined, flags: WatchFlags): Promise<number> {
  const config = loadConfig(flags)
  const next: Next = (words) => nextCommand(words, flags)
  await using door = queueDoor(config)
  const run = await door.use((queue) => runToWatch(name, queue, { config, next }))
  const view = openWatchView({ asJson: flags.json, next })
  const ladder = onStopSignals({ first: () => {}, second: () => {} })
  try {
    const signal = await follow(run, { door, view, ladder, next })
    if (signal !== undefined) return exitCodeOf(signal)
    const status = await door.use((queue) => readRunStatus(run, findingIn(queue, config)))
    view.end(formatStatus(status, next))
    const [summary] = status.runs
    return summary === undefined ? EXIT.ok : exitCodeOfRun(summary)
  } finally {
    ladder.close()
  }
}

interface Watching {
  door: QueueDoor
  view: WatchView
  ladder: StopLadder
  next: Next
}

/** Until the run is over, or until a signal, which is returned. An outage of the queue is waited out for a while. */
async function follow(
  run: string,
  { door, view, ladder, next }: Watching,
): Promise<StopSignal | undefined> {
  let answeredAt = performance.now()
  while (ladder.received === undefined) {
    const startedAt = performance.now()
    const sight = await door
      .use((queue) => look(run, queue, next))
      .catch((cause: unknown) => bearOutage(cause, answeredAt))
    const now = performance.now()
    if (sight !== undefined) {
      answeredAt = now
      view.show(sight)
      if (sight.books.finishedAt !== undefined) return undefined
    }
    const pauseMs = Math.max(LOOK_EVERY_MS, (now - startedAt) / LOOKING_SHARE)
    await Promise.race([sleep(pauseMs), ladder.stopped])
  }
  return ladder.received
}

function bearOutage(cause: unknown, answeredAt: number): undefined {
  // The queue answered, and the answer is that there is nothing to wait for.
  if (cause instanceof RenderqError) throw cause
  if (performance.now() - answeredAt < OUTAGE_MAX_MS) return
  throw new ServiceError(`the queue does not answer: ${messageOf(cause)} - watch again later`, {
    cause,
  })
}

async function look(run: string, queue: Queue, next: Next): Promise<Sight> {
  const books = await queue.ledger.books(run)
  if (books === undefined) {
    throw new ServiceError(`${queue.name} has lost ${run}: go on with  ${next(['resume', run])}`)
  }
  const [counts, brake] = [await queue.renderCounts(), await queue.ledger.brake()]
  const isOver = books.finishedAt !== undefined
  return { books, counts, brake, trouble: isOver ? undefined : await queue.runTrouble(run) }
}

async function runToWatch(
  name: string | undefined,
  queue: Queue,
  { config, next }: { config: Config; next: Next },
): Promise<string> {
  const run = name ?? (await currentRun(queue))
  await using found = await findRun(run, findingIn(queue, config))
  if (found.books !== undefined) return found.run
  throw new ConfigError(
    `the queue knows nothing of ${found.run}, so there is nothing to watch: see  ${next(['status', found.run])}`,
  )
}

interface QueueDoor extends AsyncDisposable {
  use<T>(work: (queue: Queue) => Promise<T>): Promise<T>
}

/** An embedded queue is given back after each look: a worker that starts meanwhile must be able to own it. */
function queueDoor(config: Config): QueueDoor {
  let kept: Queue | undefined
  return {
    async use(work) {
      if (config.queue.backend === 'embedded') {
        await using queue = await openForLooking(config, 'status')
        return await work(queue)
      }
      kept ??= await openForLooking(config, 'status')
      return work(kept)
    },
    async [Symbol.asyncDispose]() {
      await kept?.[Symbol.asyncDispose]()
    },
  }
}
