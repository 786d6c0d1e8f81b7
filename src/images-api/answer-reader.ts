/** Reads a whole answer: one JSON document with all its pictures in `data`. */
import { z } from 'zod'
import { messageOf, OutcomeUnknownError } from '../errors.ts'
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
  /** Told after each chunk what is to be expected of the server now. */
  onState?(state: ReadingState): void
}

/** `between`: nothing in particular; `picture`: more of one that has begun; `end`: only the end. */
export type ReadingState = 'between' | 'picture' | 'end'

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
  /** What of it is lost, in words. */
  losses: readonly string[]
}

/**
 * Throws AnswerBrokenError for what a server may do wrong; what a sink throws goes through as it is. What breaks off
 * behind a whole picture costs only what follows: a paid picture is worth more than its accompanying words.
 */
export async function readAnswer(
  chunks: AsyncIterable<Uint8Array>,
  options: AnswerReaderOptions,
): Promise<Answer> {
  const { picturesMax, imageBytesMax, openPicture } = options
  const json = new PictureJson({
    place: 'in data',
    imageBytesMax,
    openPicture: async (index) => (index < picturesMax ? openPicture(index) : undefined),
  })
  try {
    await takeAll(chunks, json, options)
  } catch (error) {
    const isBroken = error instanceof AnswerBrokenError
    const isBrokenOff = isBroken ? error.isCut : error instanceof OutcomeUnknownError
    if (isBrokenOff && json.whole.size > 0 && !json.isComplete) return brokenOff(json, error)
    const [problem] = json.problems.values()
    if (isBroken) throw problem ?? error
    if (!isBrokenOff || !json.isComplete) throw error
  }
  return answerOf(json)
}

async function takeAll(
  chunks: AsyncIterable<Uint8Array>,
  json: PictureJson,
  { picturesMax, imageBytesMax, onState }: AnswerReaderOptions,
): Promise<void> {
  let bytesLeft = bodyBytesMax(picturesMax, imageBytesMax)
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    bytesLeft -= bytes.length
    if (bytesLeft < 0)
      throw new AnswerBrokenError('the body is larger than all its pictures may be')
    await json.take(bytes)
    onState?.(json.isComplete ? 'end' : json.isInsidePicture ? 'picture' : 'between')
  }
  if (!json.isComplete) {
    throw new AnswerBrokenError('the body ends before its final brace', { isCut: true })
  }
}

function answerOf(json: PictureJson): Answer {
  const [problem] = json.problems.values()
  // Nothing is left that would be worth keeping.
  if (problem !== undefined && json.whole.size === 0) throw problem
  return { body: parseBody(json), ...picturesOf(json), losses: lossesOf(json) }
}

/** What came whole, without the words that were to follow. */
function brokenOff(json: PictureJson, error: unknown): Answer {
  const count = Math.max(...json.whole) + 1
  const data = Array.from({ length: count }, (_, index) =>
    json.whole.has(index) ? { b64_json: '' } : null,
  )
  const loss = `the answer broke off behind its pictures, and usage and cost are lost: ${messageOf(error)}`
  return { body: { data }, ...picturesOf(json), losses: [...lossesOf(json), loss] }
}

const picturesOf = ({ byteCounts, whole, problems, oddities }: PictureJson) => ({
  pictureByteCounts: new Map(
    [...byteCounts].map(([index, count]) => [
      index,
      whole.has(index) && !problems.has(index) ? count : 0,
    ]),
  ),
  oddities,
})

const lossesOf = ({ problems }: PictureJson): string[] =>
  [...problems].map(([index, { message }]) => `picture ${index + 1} is unusable: ${message}`)

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
