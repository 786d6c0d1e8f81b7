/** How runs stand, read from the ledger and the queue; of a single run also why its rows failed. */
import type { StorageSettings } from '../config.ts'
import type { RunId } from '../job.ts'
import type { Brake } from '../queue/ledger.ts'
import type { Queue, RenderCounts, RunTrouble } from '../queue/queue.ts'
import { findRun, type FindOptions, type FoundRun } from './find-run.ts'
import { listRuns, type RunList } from './list-runs.ts'
import type { RowResults } from './row-results.ts'
import { unsuccessful, type RunSummary } from './run-summary.ts'
import { failuresOf } from './show-run.ts'

export interface Status {
  queue: string
  /** `store`: the queue knows of none; these are as they were when their documents were written. */
  from: RunList['from']
  runs: RunSummary[]
  rows: RenderCounts
  brake: Brake | undefined
  /** Of these runs, the ones that do not move. */
  troubles: (RunTrouble & { run: RunId })[]
  /** The run that was asked for is in the store, not over, and the queue knows nothing of it. */
  lost?: string
  /** Of the one run that was asked for, where rows have failed. */
  results?: RowResults
}

export async function readStatus(
  queue: Queue,
  from: { storage: StorageSettings; runsMax: number },
): Promise<Status> {
  const list = await listRuns(queue, from)
  const known = list.from === 'ledger' ? list.runs : []
  return { ...(await queueStatus(queue, known)), ...list }
}

/** Throws ConfigError when there is no such run. */
export async function readRunStatus(run: string, options: FindOptions): Promise<Status> {
  const { queue } = options
  await using found = await findRun(run, options)
  const { summary } = found
  return {
    ...(await queueStatus(queue, [summary])),
    from: found.books === undefined ? 'store' : 'ledger',
    runs: [summary],
    ...(isLost(found) ? { lost: found.run } : {}),
    ...(unsuccessful(summary) > 0 ? { results: await failuresOf(found, queue.ledger) } : {}),
  }
}

const isLost = ({ books, summary }: FoundRun): boolean =>
  books === undefined && summary.finishedAt === null

async function queueStatus(
  queue: Queue,
  runs: readonly RunSummary[],
): Promise<Omit<Status, 'runs' | 'from'>> {
  const troubles: Status['troubles'] = []
  for (const { run, finishedAt } of runs) {
    const trouble = finishedAt === null ? await queue.runTrouble(run) : undefined
    if (trouble !== undefined) troubles.push({ run, ...trouble })
  }
  return {
    troubles,
    queue: queue.name,
    rows: await queue.renderCounts(),
    brake: await queue.ledger.brake(),
  }
}
