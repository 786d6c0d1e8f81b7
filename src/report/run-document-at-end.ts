/** `run.json` when a run is over: as it was entered, with what it came to. */
import type { RunBooks } from '../queue/ledger.ts'
import type { RunDocument } from '../run-document.ts'
import { version } from '../version.ts'
import { summaryOf } from './run-summary.ts'

export function documentAtEnd(
  books: RunBooks,
  { entered, finishedAt }: { entered: RunDocument | undefined; finishedAt: number },
): RunDocument {
  const left = books.rowCount - books.settled
  const isCancelled = books.state === 'cancelled'
  const { outcomes } = books
  return {
    ...(entered ?? unknownEntry(books)),
    ...countsOf(books),
    state: isCancelled ? 'cancelled' : 'finished',
    outcomes: isCancelled ? { ...outcomes, cancelled: outcomes.cancelled + left } : outcomes,
    left: 0,
    finishedAt: new Date(finishedAt).toISOString(),
  }
}

function countsOf(books: RunBooks) {
  const { pictures, calls, unknownCalls, costUsd, enteredAt } = summaryOf(books)
  return { pictures, calls, unknownCalls, costUsd, enteredAt }
}

/** Of a run that an earlier version entered: what the ledger knows of it. */
function unknownEntry(books: RunBooks) {
  const { run, manifest, digest, store, rowCount, parts, priority = 'normal' } = books
  return {
    version: 1 as const,
    run,
    manifest,
    manifestSha256: '',
    digest,
    store,
    rows: rowCount,
    picturesPlanned: 0,
    byOperation: { generate: 0, edit: 0, variation: 0 },
    costPlannedUsd: null,
    parts: [...parts],
    columns: [],
    priority,
    flags: {},
    retryOf: null,
    schedule: null,
    versions: { renderq: version(), node: process.version },
  }
}
