/** What a run came to, for `run.json`, `status` and the end of `run`. Pure. */
import type { RunBooks } from '../queue/ledger.ts'

export interface RunSummary {
  version: 1
  run: string
  manifest: string
  state: RunBooks['state']
  rows: number
  outcomes: RunBooks['outcomes']
  /** Rows without an outcome yet. */
  left: number
  pictures: number
  /** Requests really sent, and of those the ones booked as paid because nobody knows. */
  calls: number
  unknownCalls: number
  /** Sum over the rows whose cost is known. */
  costUsd: number
  enteredAt: string
  finishedAt: string | null
}

export function summaryOf(books: RunBooks): RunSummary {
  return {
    version: 1,
    run: books.run,
    manifest: books.manifest,
    state: books.state,
    rows: books.rowCount,
    outcomes: books.outcomes,
    left: books.rowCount - books.settled,
    pictures: books.pictures,
    calls: books.calls,
    unknownCalls: books.unknownCalls,
    costUsd: books.costMicroUsd / 1_000_000,
    enteredAt: new Date(books.enteredAt).toISOString(),
    finishedAt: books.finishedAt === undefined ? null : new Date(books.finishedAt).toISOString(),
  }
}

/** Rows that ended without pictures. */
export function unsuccessful({ outcomes }: Pick<RunSummary, 'outcomes'>): number {
  return outcomes.failed + outcomes.refused + outcomes.held
}
