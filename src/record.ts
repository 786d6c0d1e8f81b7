/**
 * The record: the JSON document of one finished row and the commit point of its pictures. It is written last
 * and once; whoever finds it makes no call.
 */
import { z } from 'zod'
import { ImageRequest, OPERATIONS, RunId, Sha256 } from './job.ts'

export const PictureEntry = z.object({
  /** Zero-based place in the answer. */
  index: z.int().min(0),
  key: z.string(),
  byteCount: z.int().positive(),
  width: z.int().positive(),
  height: z.int().positive(),
  mediaType: z.string(),
  sha256: Sha256,
  revisedPrompt: z.string().optional(),
  /** Fingerprint of the older version of the row whose picture lay here. */
  replaced: Sha256.optional(),
})
export type PictureEntry = z.infer<typeof PictureEntry>

/** An input picture as it was really sent, whatever its URL shows later. Nulls: the API took it from its source itself. */
export const InputEntry = z.object({
  source: z.string(),
  sha256: Sha256.nullable(),
  byteCount: z.int().positive().nullable(),
  mediaType: z.string().nullable(),
})
export type InputEntry = z.infer<typeof InputEntry>

export const RenderRecord = z.object({
  version: z.literal(1),
  fingerprint: Sha256,
  /** The run that made the call. */
  run: RunId,
  row: z.int().min(0),
  id: z.string(),
  operation: z.enum(OPERATIONS),
  request: ImageRequest,
  inputs: z.array(InputEntry),
  mask: InputEntry.nullable(),
  markup: InputEntry.nullable().default(null),
  pictures: z.array(PictureEntry).min(1),
  /** Partial pictures of a stream, where they were to be kept; `index` in the order they came. */
  previews: z.array(PictureEntry).default([]),
  /** As the API gave it. */
  usage: z.record(z.string(), z.unknown()).nullable(),
  /** By the price table of that date; null where price or usage is unknown. */
  costUsd: z.number().nullable(),
  priceTableDate: z.string().nullable(),
  /** Values the API resolved where `auto` was asked. */
  resolved: z.record(z.string(), z.string()),
  /** Which server answered, without credentials. */
  server: z.string(),
  requestId: z.string().nullable(),
  timings: z.object({
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    /** From sending to the last byte of the answer. */
    requestMs: z.number().nullable(),
  }),
  /** Tries of the job, with the one that succeeded. */
  attempts: z.int().positive(),
  /** Requests really sent for this row, with the one that was answered. */
  calls: z.int().min(0),
  /** Of those, the ones nobody knows the outcome of. */
  unknownCalls: z.int().min(0),
  warnings: z.array(z.string()),
})
export type RenderRecord = z.infer<typeof RenderRecord>

/** What is kept of a record whose pictures were replaced: enough to say what has changed since. */
export const ReplacedVersion = RenderRecord.pick({
  run: true,
  operation: true,
  request: true,
  inputs: true,
  mask: true,
  markup: true,
}).extend({ at: z.iso.datetime() })
export type ReplacedVersion = z.infer<typeof ReplacedVersion>

/**
 * Stands where a record stood whose pictures were replaced by a newer version of the row: the old request
 * must be rendered again if it ever comes back.
 */
export const SupersededRecord = z.object({
  version: z.literal(1),
  fingerprint: Sha256,
  supersededBy: Sha256,
  at: z.iso.datetime(),
  was: ReplacedVersion.optional(),
})
export type SupersededRecord = z.infer<typeof SupersededRecord>

/** What may stand where a record goes. */
export const StoredRecord = z.union([RenderRecord, SupersededRecord])
export type StoredRecord = z.infer<typeof StoredRecord>

export function replacedVersionOf(record: RenderRecord): ReplacedVersion {
  const { run, operation, request, inputs, mask, markup, timings } = record
  return { run, operation, request, inputs, mask, markup, at: timings.finishedAt }
}
