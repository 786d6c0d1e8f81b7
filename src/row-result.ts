/** How a row ended: a line of `results.jsonl`, and what the ledger keeps until it is written there. */
import { z } from 'zod'
import { CALL_FATES } from './errors.ts'
import { Sha256 } from './job.ts'
import { OUTCOMES } from './outcome.ts'
import { REASON_MEANINGS, REASONS } from './reason.ts'

const Count = z.int().min(0)

/** So many of a row's earlier tries are kept, the last ones. */
export const EARLIER_ATTEMPTS_MAX = 20
export const ATTEMPT_ERROR_TEXT_MAX = 200
export const REQUEST_ID_MAX = 200

/** A try that did not end the row. The wait before the next one is the time between the two. */
export const EarlierAttempt = z.object({
  startedAt: Count.describe('Unix ms.'),
  elapsedMs: Count,
  call: z.enum(CALL_FATES).describe('Whether a request was sent, and may have to be paid.'),
  errorCode: z.string().max(100).describe('One of docs/errors.md.'),
  error: z.string().max(ATTEMPT_ERROR_TEXT_MAX),
  requestId: z.string().max(REQUEST_ID_MAX).nullable(),
})
export type EarlierAttempt = z.infer<typeof EarlierAttempt>

export const RowResult = z.object({
  row: Count.describe('Zero-based place of the row in the run.'),
  id: z.string().describe('The row\'s own name: its column "id", or its number from 1.'),
  outcome: z.enum(OUTCOMES),
  keys: z.array(z.string()).readonly().describe('Object keys of the pictures, in their order.'),
  byteCount: Count.describe('Of all pictures together.'),
  width: z.int().positive().nullable().describe('Of the first picture.'),
  height: z.int().positive().nullable().describe('Of the first picture.'),
  costUsd: z.number().nullable().describe('null where price or usage is unknown.'),
  attempts: Count.describe('Tries of the row.'),
  calls: Count.describe('Requests that were really sent.'),
  unknownCalls: Count.describe('Of those, the ones nobody knows the outcome of.'),
  elapsedMs: z.number().describe('Of the attempt that ended the row.'),
  requestMs: z
    .number()
    .nullable()
    .describe('Of the call that was answered, from sending to the last byte.'),
  endedAt: z.int().describe('Unix ms.'),
  reason: z
    .enum(REASONS)
    .optional()
    .describe(`Why a row with pictures was rendered, or not. ${REASON_MEANINGS}`),
  errorCode: z.string().nullable().describe('One of docs/errors.md; null for a row with pictures.'),
  error: z.string().nullable().describe('The message for people.'),
  requestId: z.string().nullable().describe("The server's name of the last call."),
  fingerprint: Sha256.describe("sha256 of everything that decides the row's pictures."),
  earlierAttempts: z
    .array(EarlierAttempt)
    .max(EARLIER_ATTEMPTS_MAX)
    .optional()
    .describe(`Tries that did not end the row, at most the last ${EARLIER_ATTEMPTS_MAX}.`),
})
export type RowResult = z.infer<typeof RowResult>
