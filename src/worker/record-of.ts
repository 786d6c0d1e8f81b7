/** The record of a row, made of what its answer said. Pure but for the clock. */
import { costUsdOf, PRICE_TABLE_DATE } from '../images-api/prices.ts'
import type { RenderJob } from '../job.ts'
import type { Begin } from '../queue/ledger.ts'
import type { RenderRecord } from '../record.ts'
import type { SpooledAnswer } from './spooled-answer.ts'

/** How often the row was called, with the call that was booked just now. */
export type Begun = Extract<Begin, { kind: 'go' }>

/** All that the record says besides where its pictures are. */
export type AnswerFacts = Omit<
  SpooledAnswer,
  'version' | 'store' | 'pictures' | 'previews' | 'links' | 'answeredAt'
>

export function recordOf(
  { job, ...facts }: AnswerFacts,
  { pictures, previews, previous }: Pick<RenderRecord, 'pictures' | 'previews' | 'previous'>,
): RenderRecord {
  const costUsd = costUsdOf(job.request.model, facts.usage)
  return {
    version: 1,
    fingerprint: job.fingerprint,
    run: job.run,
    row: job.row,
    id: job.id,
    operation: job.operation,
    request: job.request,
    inputs: facts.inputs,
    mask: facts.mask,
    markup: facts.markup,
    pictures,
    previews,
    usage: facts.usage,
    costUsd,
    priceTableDate: costUsd === null ? null : PRICE_TABLE_DATE,
    resolved: facts.resolved,
    server: facts.server,
    requestId: facts.requestId,
    timings: {
      startedAt: facts.startedAt,
      finishedAt: new Date().toISOString(),
      requestMs: facts.requestMs,
    },
    attempts: facts.attempts,
    calls: facts.calls,
    unknownCalls: facts.unknownCalls,
    warnings: facts.warnings,
    ...(previous === undefined ? {} : { previous }),
  }
}

/** What is still known of an answer whose pictures were stored by a worker that died before its record. */
export function rebuiltAnswer(
  job: RenderJob,
  { server, attempt, begun }: { server: string; attempt: number; begun: Begun },
): AnswerFacts {
  return {
    job,
    usage: null,
    requestId: null,
    resolved: {},
    requestMs: null,
    server,
    inputs: [],
    mask: null,
    markup: null,
    startedAt: new Date().toISOString(),
    attempts: attempt,
    // The call that was just booked is taken back.
    calls: begun.calls - 1,
    unknownCalls: begun.unknownCalls,
    warnings: ['the record was rebuilt from the stored pictures; usage and cost are lost'],
  }
}
