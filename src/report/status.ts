/** How runs stand, read from the ledger and the queue; of a single run also why its rows failed. */
import type { Brake } from '../queue/ledger.ts'
import type { Queue, RenderCounts } from '../queue/queue.ts'
import { findRun, type FindOptions, type FoundRun } from './find-run.ts'
import type { RowResults } from './row-results.ts'
import { summaryOf, unsuccessful, type RunSummary } from './run-summary.ts'
import { failuresOf } from './show-run.ts'

export interface Status {
  queue: string
  runs: RunSummary[]
  rows: RenderCounts
  brake: Brake | undefined
  /** The run that was asked for is in the store, not over, and the queue knows nothing of it. */
  lost?: string
  /** Of the one run that was asked for, where rows have failed. */
  results?: RowResults
}

export async function readStatus(queue: Queue, runsMax: number): Promise<Status> {
  const books = await queue.ledger.latestRuns(runsMax)
  return { ...(await queueStatus(queue)), runs: books.map(summaryOf) }
}

/** Throws ConfigError when there is no such run. */
export async function readRunStatus(run: string, options: FindOptions): Promise<Status> {
  const { queue } = options
  await using found = await findRun(run, options)
  const { summary } = found
  return {
    ...(await queueStatus(queue)),
    runs: [summary],
    ...(isLost(found) ? { lost: found.run } : {}),
    ...(unsuccessful(summary) > 0 ? { results: await failuresOf(found, queue.ledger) } : {}),
  }
}

const isLost = ({ books, summary }: FoundRun): boolean =>
  books === undefined && summary.finishedAt === null

async function queueStatus(queue: Queue): Promise<Omit<Status, 'runs'>> {
  return {
    queue: queue.name,
    rows: await queue.renderCounts(),
    brake: await queue.ledger.brake(),
  }
}
