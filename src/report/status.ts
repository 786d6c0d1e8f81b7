/** How runs stand, read from the ledger and the queue. */
import { ConfigError } from '../errors.ts'
import { RunId } from '../job.ts'
import type { Brake } from '../queue/ledger.ts'
import type { Queue, RenderCounts } from '../queue/queue.ts'
import { summaryOf, type RunSummary } from './run-summary.ts'

export interface Status {
  queue: string
  runs: RunSummary[]
  rows: RenderCounts
  brake: Brake | undefined
}

export async function readStatus(
  queue: Queue,
  { run, runsMax }: { run: string | undefined; runsMax: number },
): Promise<Status> {
  const books =
    run === undefined ? await queue.ledger.latestRuns(runsMax) : [await oneRun(queue, run)]
  return {
    queue: queue.name,
    runs: books.map(summaryOf),
    rows: await queue.renderCounts(),
    brake: await queue.ledger.brake(),
  }
}

async function oneRun(queue: Queue, run: string) {
  const books = RunId.safeParse(run).success ? await queue.ledger.books(run) : undefined
  if (books !== undefined) return books
  throw new ConfigError(`there is no run "${run}" on ${queue.name}: "renderq status" lists them`)
}
