/**
 * The vocabulary that producer and worker share: a `RenderJob` is one row of a manifest, resolved: one
 * call of the Images API. It travels through the queue and the store as JSON and is parsed again by
 * whoever receives it, because neither is trusted.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'

export const OPERATIONS = ['generate', 'edit', 'variation'] as const
export type Operation = (typeof OPERATIONS)[number]

/**
 * The API's own parameters by the API's own names, types only. Which values a model takes is
 * `images-api/models.ts`'s knowledge.
 */
export const ImageRequest = z.strictObject({
  model: z.string().min(1).max(200),
  prompt: z.string().max(32_000).optional(),
  n: z.int().min(1).max(10),
  size: z.string().max(20).optional(),
  quality: z.string().max(20).optional(),
  background: z.string().max(20).optional(),
  output_format: z.string().max(20).optional(),
  output_compression: z.int().min(0).max(100).optional(),
  moderation: z.string().max(20).optional(),
  input_fidelity: z.string().max(20).optional(),
  complexity: z.string().max(20).optional(),
  /** Of a gif. */
  frame_count: z.int().min(2).max(16).optional(),
  frame_duration_ms: z.int().min(20).max(655_350).optional(),
  /** Who writes an svg, where an account may choose. */
  svg: z
    .strictObject({
      model: z.string().min(1).max(200),
      reasoning: z.strictObject({ effort: z.string().max(20) }).optional(),
    })
    .optional(),
  stream: z.boolean().optional(),
  partial_images: z.int().min(0).max(3).optional(),
  style: z.string().max(20).optional(),
  response_format: z.enum(['url', 'b64_json']).optional(),
  user: z.string().max(512).optional(),
  safety_identifier: z.string().max(512).optional(),
})
export type ImageRequest = z.infer<typeof ImageRequest>

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** How the API names what was uploaded to it, e.g. `file-9f2c`. */
export const FILE_ID = /^file[-_][A-Za-z0-9_-]{1,190}$/

/** Where a worker gets an input picture. Never a local path: the worker may be another machine. */
export const InputPicture = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('stored'),
    key: z.string().regex(/^_inputs\/[0-9a-f]{64}\.[a-z0-9]+$/),
    sha256: Sha256,
    mediaType: z.string(),
    byteCount: z.int().positive(),
  }),
  z.strictObject({ kind: z.literal('url'), url: z.url({ protocol: /^https?$/ }) }),
  z.strictObject({ kind: z.literal('s3'), url: z.string().regex(/^s3:\/\/[^/]+\/.+$/) }),
  /** Lies in the API's own Files service. We never see its bytes. */
  z.strictObject({ kind: z.literal('file'), fileId: z.string().regex(FILE_ID) }),
  /** Fetched by the API itself. We never see its bytes. */
  z.strictObject({ kind: z.literal('image-url'), url: z.url({ protocol: /^https$/ }).max(8_192) }),
])
export type InputPicture = z.infer<typeof InputPicture>

export const EXISTING_POLICIES = ['replace', 'keep', 'fail'] as const

export const RunId = z.string().regex(/^run_[0-9a-z]{10}$/)
export type RunId = z.infer<typeof RunId>

export const RenderJob = z.strictObject({
  version: z.literal(1),
  run: RunId,
  /** Zero-based ordinal of the row in its manifest; the ledger's address of it. */
  row: z.int().min(0),
  /** The row's own name: the `id` column, or its one-based number. */
  id: z.string().min(1).max(512),
  fingerprint: Sha256,
  operation: z.enum(OPERATIONS),
  request: ImageRequest,
  /** In the order the API shall see them. Empty for `generate`. */
  images: z.array(InputPicture).max(16),
  mask: InputPicture.optional(),
  /** Drawn over the first image to steer an edit. */
  markup: InputPicture.optional(),
  /** Object key without index and extension, e.g. `catalog/sku-1`. */
  key: z.string().min(1).max(900),
  /** What to do when the key holds this row's picture of another fingerprint. */
  existing: z.enum(EXISTING_POLICIES),
  /** Render it even though its record is there, unless this very run made it. */
  force: z.literal(true).optional(),
  /** Render it when its record was made of other bytes than its input pictures have now. */
  checkInputs: z.literal(true).optional(),
  /** Store the partial pictures of a stream beside the result. */
  keepPartials: z.literal(true).optional(),
})
export type RenderJob = z.infer<typeof RenderJob>

/** A line of a stored manifest part: the job, and the row's own columns as the manifest gave them, for its results. */
export const PlannedRow = z.strictObject({
  job: RenderJob,
  /** Where the row begins in the manifest, one-based. */
  line: z.int().min(1).optional(),
  columns: z.record(z.string(), z.unknown()),
})
export type PlannedRow = z.infer<typeof PlannedRow>

/** Parameters that decide who asks or how the answer travels, but never what the picture is. */
export const NOT_PICTURE_DECIDING: ReadonlySet<string> = new Set([
  'user',
  'safety_identifier',
  'response_format',
  'stream',
  'partial_images',
])

/**
 * sha256 over everything that decides a row's pictures: id, operation, resolved request, digests of
 * the input pictures (a URL stands for itself: its bytes are known only later).
 */
export function fingerprintOf(
  job: Pick<RenderJob, 'id' | 'operation' | 'request' | 'images' | 'mask' | 'markup'>,
): string {
  const request = Object.entries(job.request)
    .filter(([name, value]) => value !== undefined && !NOT_PICTURE_DECIDING.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const decides = [
    'renderq-fingerprint-1',
    job.id,
    job.operation,
    request,
    job.images.map(identityOf),
    job.mask === undefined ? null : identityOf(job.mask),
    ...(job.markup === undefined ? [] : [identityOf(job.markup)]),
  ]
  return hash('sha256', JSON.stringify(decides))
}

/** What decides the picture: its bytes, where they are known. */
function identityOf(input: InputPicture): string {
  return input.kind === 'stored' ? `sha256:${input.sha256}` : sourceOf(input)
}

/** Where an input picture is, for people and records. */
export function sourceOf(input: InputPicture): string {
  switch (input.kind) {
    case 'stored':
      return input.key
    case 'file':
      return input.fileId
    case 'url':
    case 's3':
    case 'image-url':
      return input.url
  }
}

export type RowInputs = Pick<RenderJob, 'images' | 'mask' | 'markup'>

export function inputsOf({ images, mask, markup }: RowInputs): InputPicture[] {
  return [...images, mask, markup].flatMap((input) => input ?? [])
}

/** Its bytes may change while its name stays, and a worker gets to see them. */
export const isFetched = ({ kind }: InputPicture): boolean => kind === 'url' || kind === 's3'

/** BullMQ's id of a row's job: a pure function of run and row, so adding it twice is adding it once. */
export function jobIdOf(job: Pick<RenderJob, 'run' | 'row'>): string {
  return `${job.run}.${job.row}`
}
