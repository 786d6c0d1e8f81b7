/** The latest runs: from the ledger, or, where that is empty, from the store. */
import type { StorageSettings } from '../config.ts'
import type { Queue } from '../queue/queue.ts'
import { openStore } from '../storage/open-store.ts'
import type { Store } from '../storage/store.ts'
import { readDocument, storedRuns } from '../storage/stored-run.ts'
import { RunSummary, summaryOf } from './run-summary.ts'

export interface RunList {
  /** `store`: the ledger knows of none; these stand as they were when their documents were written. */
  from: 'ledger' | 'store'
  runs: RunSummary[]
}

const DOCUMENTS_AT_ONCE = 16

export async function listRuns(
  { ledger }: Pick<Queue, 'ledger'>,
  { storage, runsMax }: { storage: StorageSettings; runsMax: number },
): Promise<RunList> {
  const known = await ledger.latestRuns(runsMax)
  if (known.length > 0) return { from: 'ledger', runs: known.map(summaryOf) }
  await using store = await openStore(storage)
  return { from: 'store', runs: await latestStored(store, runsMax) }
}

/** Only its document says when a run was entered, so every one is read; memory is that of the latest. */
async function latestStored(store: Store, runsMax: number): Promise<RunSummary[]> {
  let latest: RunSummary[] = []
  const prune = () => {
    latest = latest.toSorted((a, b) => b.enteredAt.localeCompare(a.enteredAt)).slice(0, runsMax)
  }
  const runs = storedRuns(store)
  const takeTurns = async () => {
    for await (const run of runs) {
      const document = await readDocument(run, store)
      if (document !== undefined) latest.push(RunSummary.parse(document))
      if (latest.length > 2 * runsMax) prune()
    }
  }
  await Promise.all(Array.from({ length: DOCUMENTS_AT_ONCE }, takeTurns))
  prune()
  return latest
}
