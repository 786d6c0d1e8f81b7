/** The latest runs: from the ledger, or, where that is empty, from the store. */
import type { StorageSettings } from '../config.ts'
import type { Queue } from '../queue/queue.ts'
import { openStore } from '../storage/open-store.ts'
import { summaryOf, type RunSummary } from './run-summary.ts'
import { readDocument, storedRuns } from '../storage/stored-run.ts'

export interface RunList {
  /** `store`: the ledger knows of none; these stand as they were when their documents were written. */
  from: 'ledger' | 'store'
  runs: RunSummary[]
}

/** Documents that are read to find the latest. */
const DOCUMENTS_READ_MAX = 1_000

export async function listRuns(
  { ledger }: Queue,
  { storage, runsMax }: { storage: StorageSettings; runsMax: number },
): Promise<RunList> {
  const known = await ledger.latestRuns(runsMax)
  if (known.length > 0) return { from: 'ledger', runs: known.map(summaryOf) }
  await using store = await openStore(storage)
  const runs: RunSummary[] = []
  for (const run of (await storedRuns(store)).slice(0, DOCUMENTS_READ_MAX)) {
    const document = await readDocument(run, store)
    if (document !== undefined) runs.push(document)
  }
  const latest = runs.toSorted((a, b) => b.enteredAt.localeCompare(a.enteredAt))
  return { from: 'store', runs: latest.slice(0, runsMax) }
}
