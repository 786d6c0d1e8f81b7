/** What a run came to, for `run.json`, `status` and the end of `run`. Pure. */
import type { z } from 'zod'
import type { RunBooks } from '../queue/ledger.ts'
import { RunDocument } from '../run-document.ts'

export const RunSummary = RunDocument.pick({
  version: true,
  run: true,
  manifest: true,
  state: true,
  rows: true,
  outcomes: true,
  left: true,
  pictures: true,
  calls: true,
  unknownCalls: true,
  costUsd: true,
  enteredAt: true,
  finishedAt: true,
})
export type RunSummary = z.infer<typeof RunSummary>

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
