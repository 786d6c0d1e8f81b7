/** The latest run that has a row of this id: where a person asks for a row and names no run. */
import type { StorageSettings } from '../config.ts'
import { ConfigError } from '../errors.ts'
import type { Queue } from '../queue/queue.ts'
import { findPlannedRow } from './find-row.ts'
import { findRun, type FoundRun } from './find-run.ts'

/** Each may have to be read whole. */
const RUNS_SEARCHED_MAX = 20

/** Throws ConfigError when none of the latest runs has it. */
export async function findRunOfRow(
  id: string,
  options: { queue: Queue; storage: StorageSettings },
): Promise<FoundRun> {
  const { queue } = options
  const latest = await queue.ledger.latestRuns(RUNS_SEARCHED_MAX)
  for (const { run } of latest) {
    const found = await findRun(run, options)
    if ((await findPlannedRow(id, found)) !== undefined) return found
    await found[Symbol.asyncDispose]()
  }
  throw new ConfigError(
    `no row "${id}" in the latest runs on the queue ${queue.name} (${latest.length} searched): ` +
      'name a run with --run; "renderq runs" lists them',
  )
}
