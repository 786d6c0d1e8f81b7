/** The latest run that has a row of this id: where a person asks for a row and names no run. */
import type { StorageSettings } from '../config.ts'
import { ConfigError } from '../errors.ts'
import type { Queue } from '../queue/queue.ts'
import { findPlannedRow } from './find-row.ts'
import { findRun, type FoundRun } from './find-run.ts'
import { listRuns } from './list-runs.ts'

/** Each may have to be read whole. */
const RUNS_SEARCHED_MAX = 20

/** Throws ConfigError when none of the latest runs has it. */
export async function findRunOfRow(
  id: string,
  options: { queue: Queue; storage: StorageSettings },
): Promise<FoundRun> {
  const { queue, storage } = options
  const { from, runs } = await listRuns(queue, { storage, runsMax: RUNS_SEARCHED_MAX })
  for (const { run } of runs) {
    const found = await findRun(run, options)
    if ((await findPlannedRow(id, found)) !== undefined) return found
    await found[Symbol.asyncDispose]()
  }
  const where = from === 'ledger' ? `on the queue ${queue.name}` : 'in the store'
  throw new ConfigError(
    `no row "${id}" in the latest runs ${where} (${runs.length} searched): ` +
      'name a run with --run; "renderq runs" lists them',
  )
}
