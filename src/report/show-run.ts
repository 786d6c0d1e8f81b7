/** Everything that is known of one run: its document, how it stands now, why rows failed, its files. */
import type { Ledger } from '../queue/ledger.ts'
import type { RunDocument } from '../run-document.ts'
import { runKey } from '../storage/keys.ts'
import { resultPartCount } from './find-row.ts'
import type { FoundRun } from './find-run.ts'
import { readRowResults, type FailureGroup } from './row-results.ts'
import { unsuccessful, type RunSummary } from './run-summary.ts'
import { readDocument } from '../storage/stored-run.ts'

export interface RunDetails {
  /** The counts of now; what else is known of the run as it was entered. */
  facts: RunSummary & Partial<RunDocument>
  /** False when the queue has lost a run that is not over: it must be resumed before it goes on. */
  isKnownToQueue: boolean
  failures: FailureGroup[]
  leftOut?: string
  /** Files for people, by name. */
  files: { name: string; location: string }[]
}

const FILES = ['report.html', 'results.csv', 'results.jsonl', 'failed.jsonl', 'run.json']

export async function runDetails(found: FoundRun, ledger: Ledger): Promise<RunDetails> {
  const { run, books, store, summary } = found
  const document = found.document ?? (await readDocument(run, store))
  const results = unsuccessful(summary) > 0 ? await failuresOf(found, ledger) : undefined
  const { failures = [], leftOut } = results ?? {}
  return {
    facts: { ...document, ...summary },
    isKnownToQueue: books !== undefined || summary.finishedAt !== null,
    failures,
    ...(leftOut === undefined ? {} : { leftOut }),
    files: await filesOf(found),
  }
}

export async function failuresOf(found: FoundRun, ledger: Ledger) {
  const { run, store } = found
  const resultParts = await resultPartCount(found)
  return readRowResults({ run, resultParts }, { ledger, store })
}

async function filesOf({ run, store }: FoundRun): Promise<RunDetails['files']> {
  const files: RunDetails['files'] = []
  for (const name of FILES) {
    const key = runKey(run, name)
    if ((await store.head(key)) !== undefined) files.push({ name, location: store.locationOf(key) })
  }
  return files
}
