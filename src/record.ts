/**
 * The record: the JSON document of one finished row and the commit point of its pictures. It is written last
 * and once; whoever finds it makes no call.
 */
import { z } from 'zod'
import { ImageRequest, OPERATIONS, RunId, Sha256 } from './job.ts'

export const PictureEntry = z.object({
  index: z.int().min(0).describe('Zero-based place in the answer.'),
  key: z.string(),
  byteCount: z.int().positive(),
  width: z.int().positive(),
  height: z.int().positive(),
  mediaType: z.string(),
  sha256: Sha256,
  revisedPrompt: z.string().optional(),
  replaced: Sha256.optional().describe(
    'Fingerprint of the older version of the row whose picture lay here.',
  ),
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

/** Of a record that another one of the same request took the place of: with the job's own, a version of the row. */
export const PreviousRendering = z.object({
  run: RunId,
  at: z.iso.datetime(),
  inputs: z.array(InputEntry),
  mask: InputEntry.nullable(),
  markup: InputEntry.nullable(),
})
export type PreviousRendering = z.infer<typeof PreviousRendering>

export const RenderRecord = z.object({
  version: z.literal(1),
  fingerprint: Sha256,
  run: RunId.describe('The run that made the call.'),
  row: z.int().min(0),
  id: z.string(),
  operation: z.enum(OPERATIONS),
  request: ImageRequest,
  inputs: z.array(InputEntry),
  mask: InputEntry.nullable(),
  markup: InputEntry.nullable().default(null),
  pictures: z.array(PictureEntry).min(1),
  previews: z
    .array(PictureEntry)
    .default([])
    .describe(
      'Partial pictures of a stream, where they were to be kept; `index` in the order they came.',
    ),
  usage: z.record(z.string(), z.unknown()).nullable().describe('As the API gave it.'),
  costUsd: z
    .number()
    .nullable()
    .describe('By the price table of that date; null where price or usage is unknown.'),
  priceTableDate: z.string().nullable(),
  resolved: z
    .record(z.string(), z.string())
    .describe('Values the API resolved where `auto` was asked.'),
  server: z.string().describe('Which server answered, without credentials.'),
  requestId: z.string().nullable(),
  timings: z.object({
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    requestMs: z.number().nullable().describe('From sending to the last byte of the answer.'),
  }),
  attempts: z.int().positive().describe('Tries of the job, with the one that succeeded.'),
  calls: z
    .int()
    .min(0)
    .describe('Requests really sent for this row, with the one that was answered.'),
  unknownCalls: z.int().min(0).describe('Of those, the ones nobody knows the outcome of.'),
  warnings: z.array(z.string()),
  previous: PreviousRendering.optional().describe(
    'What stood here of the very same request: rendered again because an input picture had changed, or by force.',
  ),
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
  const { operation, request } = record
  return { ...previousRenderingOf(record), operation, request }
}

export function previousRenderingOf(record: RenderRecord): PreviousRendering {
  const { run, inputs, mask, markup, timings } = record
  return { run, inputs, mask, markup, at: timings.finishedAt }
}
