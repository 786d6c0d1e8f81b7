/** One row's page in the ledger: remembers the epoch it was begun with, so that every change carries it. */
import { ContentRefusedError, messageOf, RenderError, type CallFate } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import type { Begin, Ledger, Outcome, RowResult, Settled } from '../queue/ledger.ts'
import type { RenderRecord } from '../record.ts'

export interface RowBook {
  begin(options: { calling: boolean }): Promise<Begin>
  /** The row has its pictures: from this run's call, or from an earlier run. */
  settleWith(record: RenderRecord): Promise<Settled>
  settleFailed(error: unknown): Promise<Settled>
  settleHeld(calls: number, unknownCalls: number): Promise<Settled>
  /** The call's answer is in the spool: whatever fails from here on, nothing about the call is unknown. */
  answered(): void
  /** The attempt is over, the row is not. */
  release(error: unknown): Promise<void>
}

/** More calls of unknown outcome than this are not made for one row: each may cost money. */
const UNKNOWN_CALLS_MAX = 5

const ERROR_TEXT_MAX = 500

export function rowBook(
  job: RenderJob,
  { ledger, attempt, startedAt }: { ledger: Ledger; attempt: number; startedAt: number },
): RowBook {
  let epoch: number | null = null
  let calls = 0
  let isAnswered = false

  const result = (outcome: Outcome, facts: Partial<RowResult>): RowResult => ({
    row: job.row,
    id: job.id,
    outcome,
    keys: [],
    byteCount: 0,
    width: null,
    height: null,
    costUsd: null,
    attempts: attempt,
    calls,
    elapsedMs: Date.now() - startedAt,
    errorCode: null,
    error: null,
    requestId: null,
    fingerprint: job.fingerprint,
    ...facts,
  })
  const callFateAfter = (error: unknown): CallFate => {
    if (isAnswered) return 'unpaid'
    return error instanceof RenderError ? error.callFate : 'presumed-paid'
  }
  const settle = (callFate: CallFate, ended: RowResult) =>
    ledger.settle(job, { epoch, callFate, result: ended })

  return {
    async begin({ calling }) {
      const begun = await ledger.begin(job, { calling, unknownCallsMax: UNKNOWN_CALLS_MAX })
      if (begun.kind === 'go') ({ epoch, calls } = begun)
      return begun
    },

    settleWith(record) {
      const isOurs = record.run === job.run
      const [first] = record.pictures
      // A call of ours that nobody reported back is explained by a record of ours, and only by that.
      return settle(
        isOurs ? 'unpaid' : 'presumed-paid',
        result(isOurs ? 'succeeded' : 'reused', {
          keys: record.pictures.map(({ key }) => key),
          byteCount: record.pictures.reduce((sum, { byteCount }) => sum + byteCount, 0),
          width: first?.width ?? null,
          height: first?.height ?? null,
          costUsd: isOurs ? record.costUsd : 0,
          ...(isOurs ? { attempts: record.attempts, calls: record.calls } : {}),
          requestId: record.requestId,
        }),
      )
    },

    settleFailed(error) {
      const outcome = error instanceof ContentRefusedError ? 'refused' : 'failed'
      return settle(
        callFateAfter(error),
        result(outcome, {
          errorCode: error instanceof RenderError ? error.code : 'bug',
          error: messageOf(error).slice(0, ERROR_TEXT_MAX),
          requestId: (error instanceof RenderError ? error.requestId : undefined) ?? null,
        }),
      )
    },

    settleHeld(callCount, unknownCalls) {
      return settle(
        'unpaid',
        result('held', {
          calls: callCount,
          errorCode: 'outcome_unknown',
          error: `${unknownCalls} calls ended without an answer and may all be paid; not calling again`,
        }),
      )
    },

    answered() {
      isAnswered = true
    },

    async release(error) {
      if (epoch !== null) await ledger.release(job, epoch, callFateAfter(error))
    },
  }
}
