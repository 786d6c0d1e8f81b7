/** One row's page in the ledger: remembers the epoch it was begun with, so that every change carries it. */
import { ContentRefusedError, messageOf, RenderError, type CallFate } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import type { Outcome } from '../outcome.ts'
import type { Begin, Ledger, RowResult, Settled } from '../queue/ledger.ts'
import type { Delivery } from '../queue/queue.ts'
import { reasonOf } from '../reason.ts'
import type { RenderRecord } from '../record.ts'
import { ATTEMPT_ERROR_TEXT_MAX, REQUEST_ID_MAX, type EarlierAttempt } from '../row-result.ts'

export interface RowBook {
  begin(options: { calling: boolean }): Promise<Begin>
  /**
   * The row has its pictures: from this run's call, or from an earlier run. `paidUsd` is what our own call cost
   * when another worker's record stands in spite of it.
   */
  settleWith(record: RenderRecord, paidUsd?: number | null): Promise<Settled>
  settleFailed(error: unknown): Promise<Settled>
  settleHeld(calls: number, unknownCalls: number): Promise<Settled>
  /** From here on the request may have left. Until then a booked call is taken back when something fails. */
  sending(): void
  /** The call's answer is in the spool: whatever fails from here on, nothing about the call is unknown. */
  answered(): void
  /** What is to be remembered of an attempt that did not end the row. */
  attemptAfter(error: unknown): EarlierAttempt
  /** The attempt is over, the row is not. */
  release(error: unknown): Promise<void>
}

/** More calls of unknown outcome than this are not made for one row: each may cost money. */
const UNKNOWN_CALLS_MAX = 5

const ERROR_TEXT_MAX = 500

export function rowBook(
  job: RenderJob,
  { ledger, delivery, startedAt }: { ledger: Ledger; delivery: Delivery; startedAt: number },
): RowBook {
  const { attempt, earlierAttempts } = delivery
  let epoch: number | null = null
  let calls = 0
  let unknownCalls = 0
  let call: 'none' | 'booked' | 'sent' | 'answered' = 'none'

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
    unknownCalls,
    elapsedMs: Date.now() - startedAt,
    requestMs: null,
    endedAt: Date.now(),
    errorCode: null,
    error: null,
    requestId: null,
    fingerprint: job.fingerprint,
    ...(earlierAttempts.length === 0 ? {} : { earlierAttempts: [...earlierAttempts] }),
    ...facts,
  })
  const callFateAfter = (error: unknown): CallFate => {
    if (call === 'booked') return 'not-sent'
    if (call === 'answered') return 'unpaid'
    return error instanceof RenderError ? error.callFate : 'presumed-paid'
  }
  /** A record explains our own call; one by somebody else leaves open what became of an earlier one. */
  const callFateWith = (isOurs: boolean): CallFate => {
    if (call === 'booked') return 'not-sent'
    return isOurs || call === 'answered' ? 'unpaid' : 'presumed-paid'
  }
  /** As the ledger books them: a call that was not sent is taken back. */
  const countsAfter = (fate: CallFate): Pick<RowResult, 'calls' | 'unknownCalls'> => ({
    calls: call !== 'none' && fate === 'not-sent' ? calls - 1 : calls,
    unknownCalls: call !== 'none' && fate === 'presumed-paid' ? unknownCalls + 1 : unknownCalls,
  })
  const settle = (callFate: CallFate, outcome: Outcome, facts: Partial<RowResult>) => {
    const ended = result(outcome, { ...countsAfter(callFate), ...facts })
    return ledger.settle(job, { epoch, callFate, result: ended })
  }

  return {
    async begin({ calling }) {
      const begun = await ledger.begin(job, { calling, unknownCallsMax: UNKNOWN_CALLS_MAX })
      if (begun.kind === 'go') ({ epoch, calls, unknownCalls } = begun)
      if (begun.kind === 'go' && calling) call = 'booked'
      return begun
    },

    settleWith(record, paidUsd = 0) {
      const isOurs = record.run === job.run
      const [first] = record.pictures
      return settle(callFateWith(isOurs), isOurs ? 'succeeded' : 'reused', {
        keys: record.pictures.map(({ key }) => key),
        byteCount: record.pictures.reduce((sum, { byteCount }) => sum + byteCount, 0),
        width: first?.width ?? null,
        height: first?.height ?? null,
        costUsd: isOurs ? record.costUsd : paidUsd,
        ...(isOurs ? factsOfOurs(record) : {}),
        requestId: record.requestId,
        reason: reasonOf(job, record),
      })
    },

    settleFailed(error) {
      const outcome = error instanceof ContentRefusedError ? 'refused' : 'failed'
      return settle(callFateAfter(error), outcome, {
        errorCode: codeOf(error),
        error: messageOf(error).slice(0, ERROR_TEXT_MAX),
        requestId: requestIdOf(error),
      })
    },

    settleHeld(callCount, unknownCount) {
      return settle('unpaid', 'held', {
        calls: callCount,
        unknownCalls: unknownCount,
        errorCode: 'outcome_unknown',
        error: `${unknownCount} calls ended without an answer and may all be paid; not calling again`,
      })
    },

    sending() {
      call = 'sent'
    },

    answered() {
      call = 'answered'
    },

    attemptAfter(error) {
      return {
        startedAt,
        elapsedMs: Date.now() - startedAt,
        call: call === 'none' ? 'not-sent' : callFateAfter(error),
        errorCode: codeOf(error),
        error: messageOf(error).slice(0, ATTEMPT_ERROR_TEXT_MAX),
        requestId: requestIdOf(error)?.slice(0, REQUEST_ID_MAX) ?? null,
      }
    },

    async release(error) {
      if (epoch === null) return
      await ledger.release(job, epoch, call === 'answered' ? 'answered' : callFateAfter(error))
    },
  }
}

const codeOf = (error: unknown) => (error instanceof RenderError ? error.code : 'bug')

const requestIdOf = (error: unknown) =>
  (error instanceof RenderError ? error.requestId : undefined) ?? null

const factsOfOurs = ({ attempts, calls, unknownCalls, timings }: RenderRecord) => ({
  attempts,
  calls,
  unknownCalls,
  requestMs: timings.requestMs,
})
