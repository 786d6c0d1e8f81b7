/**
 * `run.json`: what a run is and what it came to. Written when the run is entered, so that it can be rebuilt from
 * the store alone, and again when it is over. Holds no secret.
 */
import { z } from 'zod'
import { OPERATIONS, RunId } from './job.ts'
import { OUTCOMES, PRIORITIES } from './outcome.ts'

const Count = z.int().min(0)

export const RunDocument = z.object({
  version: z.literal(1),
  run: RunId,
  /** Name of the manifest, as it appears in object keys. */
  manifest: z.string(),
  manifestSha256: z.string(),
  /** Equal digests are the same work. */
  digest: z.string(),
  store: z.string(),
  rows: Count,
  /** Pictures that all rows together ask for. */
  picturesPlanned: Count,
  byOperation: z.record(z.enum(OPERATIONS), Count),
  /** By the price table, for all rows as if none were reused; null where a price is unknown. */
  costPlannedUsd: z.number().nullable(),
  /** The stored parts of the manifest, in order. */
  parts: z.array(z.object({ firstRow: Count, rowCount: z.int().positive() })),
  /** The manifest's own columns, in its order, as far as they were few enough to list. */
  columns: z.array(z.string()),
  priority: z.enum(PRIORITIES),
  /** Flags that decided what was planned: prompt, set, name, existing, selection, force. */
  flags: z.record(z.string(), z.unknown()),
  /** The run whose failed rows these are. */
  retryOf: RunId.nullable(),
  /** The schedule that entered it. */
  schedule: z.string().nullable(),
  versions: z.object({ renderq: z.string(), node: z.string() }),

  state: z.enum(['running', 'paused', 'cancelled', 'finished']),
  outcomes: z.record(z.enum(OUTCOMES), Count),
  /** Rows without an outcome yet. */
  left: Count,
  pictures: Count,
  /** Requests really sent, and of those the ones booked as paid because nobody knows. */
  calls: Count,
  unknownCalls: Count,
  /** Sum over the rows whose cost is known. */
  costUsd: z.number(),
  enteredAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
})
export type RunDocument = z.infer<typeof RunDocument>
