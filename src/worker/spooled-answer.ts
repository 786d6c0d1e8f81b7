/** What lies in the spool: one paid answer, as a JSON file beside its pictures. */
import { basename, join } from 'node:path'
import { z } from 'zod'
import { RenderJob, Sha256 } from '../job.ts'
import { InputEntry } from '../record.ts'

/** In the answer's folder. */
export const ANSWER_FILE = 'answer.json'

const SpooledPicture = z.object({
  /** Of the result, or of the preview. */
  index: z.int().min(0),
  /** Its name in the answer's folder; in memory, its full path. */
  file: z.string(),
  extension: z.string(),
  mediaType: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  byteCount: z.int().positive(),
  sha256: Sha256,
  revisedPrompt: z.string().optional(),
})
export type SpooledPicture = z.infer<typeof SpooledPicture>

/** A result that the answer only names. */
const PictureLink = z.object({
  index: z.int().min(0),
  url: z.string(),
  revisedPrompt: z.string().optional(),
})
export type PictureLink = z.infer<typeof PictureLink>

export const SpooledAnswer = z.object({
  version: z.literal(1),
  /** The store it was bought for; another one must not get it. */
  store: z.string(),
  job: RenderJob,
  /** Results, in order of their index. */
  pictures: z.array(SpooledPicture),
  /** Partial pictures of a stream, where they are to be kept. */
  previews: z.array(SpooledPicture).default([]),
  /** Results that are still to be downloaded; their URLs live an hour from `answeredAt`. */
  links: z.array(PictureLink).default([]),
  answeredAt: z.iso.datetime().optional(),
  usage: z.record(z.string(), z.unknown()).nullable(),
  requestId: z.string().nullable(),
  resolved: z.record(z.string(), z.string()),
  requestMs: z.number().nullable(),
  server: z.string(),
  inputs: z.array(InputEntry),
  mask: InputEntry.nullable(),
  markup: InputEntry.nullable().default(null),
  startedAt: z.iso.datetime(),
  attempts: z.int().positive(),
  calls: z.int().min(0),
  unknownCalls: z.int().min(0),
  warnings: z.array(z.string()),
})
export type SpooledAnswer = z.infer<typeof SpooledAnswer>

/** On disk, pictures are named by their file alone. */
export function named(answer: SpooledAnswer): SpooledAnswer {
  return withFiles(answer, (file) => basename(file))
}

export function inFolder(folder: string, answer: SpooledAnswer): SpooledAnswer {
  return withFiles(answer, (file) => join(folder, basename(file)))
}

function withFiles(answer: SpooledAnswer, nameOf: (file: string) => string): SpooledAnswer {
  const renamed = (pictures: readonly SpooledPicture[]) =>
    pictures.map((picture) => ({ ...picture, file: nameOf(picture.file) }))
  return { ...answer, pictures: renamed(answer.pictures), previews: renamed(answer.previews) }
}
