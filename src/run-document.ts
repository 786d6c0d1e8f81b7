/**
 * `run.json`: what a run is and what it came to. Written when the run is entered, so that it can be rebuilt from
 * the store alone, and again when it is over. Holds no secret.
 */
import { z } from 'zod'
import { OPERATIONS, RunId } from './job.ts'
import { OUTCOMES, PRIORITIES } from './outcome.ts'
import { REASON_MEANINGS, REASONS } from './reason.ts'

const Count = z.int().min(0)

export const RunDocument = z.object({
  version: z.literal(1),
  run: RunId,
  manifest: z.string().describe('Name of the manifest, as it appears in object keys.'),
  manifestSha256: z.string(),
  digest: z.string().describe('Equal digests are the same work.'),
  store: z.string(),
  rows: Count,
  picturesPlanned: Count.describe('Pictures that all rows together ask for.'),
  byOperation: z.record(z.enum(OPERATIONS), Count),
  costPlannedUsd: z
    .number()
    .nullable()
    .describe(
      'By the price table, over the rows that have a price, as if none were reused; null when none has.',
    ),
  parts: z
    .array(z.object({ firstRow: Count, rowCount: z.int().positive() }))
    .describe('The stored parts of the manifest, in order.'),
  columns: z
    .array(z.string())
    .describe("The manifest's own columns, in its order, as far as they were few enough to list."),
  priority: z.enum(PRIORITIES),
  flags: z
    .record(z.string(), z.unknown())
    .describe(
      'Flags that decided what was planned: prompt, set, name, existing, selection, force, checkInputs.',
    ),
  retryOf: RunId.nullable().describe('The run whose failed rows these are.'),
  schedule: z.string().nullable().describe('The schedule that entered it.'),
  versions: z.object({ renderq: z.string(), node: z.string() }),

  state: z.enum(['running', 'paused', 'cancelled', 'finished']),
  outcomes: z.record(z.enum(OUTCOMES), Count),
  left: Count.describe('Rows without an outcome yet.'),
  pictures: Count,
  calls: Count.describe('Requests that were really sent.'),
  unknownCalls: Count.describe(
    'Of those, the ones that may be paid: nobody knows, and costUsd is without them.',
  ),
  costUsd: z.number().describe('Sum over the rows whose cost is known.'),
  enteredAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  reasons: z
    .record(z.enum(REASONS), Count)
    .optional()
    .describe(`Why rows were rendered, or not, once the run is over. ${REASON_MEANINGS}`),
})
export type RunDocument = z.infer<typeof RunDocument>
