/** Reads a whole answer: one JSON document with all its pictures in `data`. */
import { z } from 'zod'
import { AnswerBrokenError } from './answer-broken.ts'
import type { Base64Oddity } from './base64-decoder.ts'
import type { PictureSink } from './contract.ts'
import { DATA_URL_STUB, OUTLINE_BYTES_MAX } from './json-outline.ts'
import { PictureJson } from './picture-json.ts'

export interface AnswerReaderOptions {
  /** Pictures asked for. More are read and dropped. */
  picturesMax: number
  imageBytesMax: number
  openPicture(slot: number): Promise<PictureSink>
}

/** What the API says about itself must not cost us paid pictures: odd values there count as absent. */
const Word = z.string().nullish().catch(undefined)
const Tokens = z.record(z.string(), z.unknown()).nullish().catch(undefined)

/** What an answer tells beside its pictures, and one event of a stream just the same. */
export const AnswerNotes = z.object({
  usage: Tokens,
  /** What the author of an svg used, billed apart. */
  svg_usage: Tokens,
  size: Word,
  quality: Word,
  background: Word,
  output_format: Word,
  error: z.unknown().optional(),
})
export type AnswerNotes = z.infer<typeof AnswerNotes>

const AnswerBody = AnswerNotes.extend({
  created: z.number().nullish().catch(undefined),
  data: z
    .array(
      z
        .object({
          b64_json: z.string().nullish(),
          url: z.string().nullish(),
          revised_prompt: Word,
        })
        .nullable(),
    )
    .nullish(),
})
export type AnswerBody = z.infer<typeof AnswerBody>

export interface Answer {
  /** With an empty string in place of each picture's base64. */
  body: AnswerBody
  /** Decoded bytes by index into `data`; 0 where the string was empty. */
  pictureByteCounts: ReadonlyMap<number, number>
  /** What was odd about the base64, whichever picture it was. */
  oddities: ReadonlySet<Base64Oddity>
}

/** Throws AnswerBrokenError for what a server may do wrong; what a sink throws goes through as it is. */
export async function readAnswer(
  chunks: AsyncIterable<Uint8Array>,
  { picturesMax, imageBytesMax, openPicture }: AnswerReaderOptions,
): Promise<Answer> {
  const json = new PictureJson({
    place: 'in data',
    imageBytesMax,
    openPicture: async (index) => (index < picturesMax ? openPicture(index) : undefined),
  })
  let bytesLeft = bodyBytesMax(picturesMax, imageBytesMax)
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    bytesLeft -= bytes.length
    if (bytesLeft < 0)
      throw new AnswerBrokenError('the body is larger than all its pictures may be')
    await json.take(bytes)
  }
  if (!json.isComplete) {
    throw new AnswerBrokenError('the body ends before its final brace', { isCut: true })
  }
  const { byteCounts, oddities } = json
  return { body: parseBody(json), pictureByteCounts: byteCounts, oddities }
}

/** Base64 is a third longer than its bytes; the rest of the doubling leaves room for escapes. */
export const bodyBytesMax = (picturesMax: number, imageBytesMax: number): number =>
  OUTLINE_BYTES_MAX + 2 * picturesMax * imageBytesMax

function parseBody(json: PictureJson): AnswerBody {
  const parsed = AnswerBody.safeParse(json.parse())
  if (!parsed.success) {
    throw new AnswerBrokenError(`the body has another shape: ${z.prettifyError(parsed.error)}`)
  }
  const inJson = (parsed.data.data ?? []).flatMap((item, index) =>
    typeof item?.b64_json === 'string' || item?.url === DATA_URL_STUB ? [index] : [],
  )
  // Repeated keys would leave JSON.parse with another picture than the one that was decoded.
  if (
    inJson.length !== json.byteCounts.size ||
    !inJson.every((index) => json.byteCounts.has(index))
  ) {
    throw new AnswerBrokenError('the body repeats its keys')
  }
  return parsed.data
}
