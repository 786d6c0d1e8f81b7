/**
 * Reads a JSON answer as it arrives: the base64 of `data[i].b64_json` is decoded straight into the sink
 * opened for picture i, everything else is kept, small, and parsed at the end. Memory does not grow with a
 * picture or with their number. The outcome is the same as JSON.parse and Buffer.from would give, or an error.
 */
import { z } from 'zod'
import { AnswerBrokenError } from './answer-broken.ts'
import { Base64Decoder, type Base64Oddity } from './base64-decoder.ts'
import type { PictureSink } from './contract.ts'
import { JsonOutline, OUTLINE_BYTES_MAX } from './json-outline.ts'

export interface AnswerReaderOptions {
  /** Pictures asked for. More are read and dropped. */
  picturesMax: number
  imageBytesMax: number
  openPicture(index: number): Promise<PictureSink>
}

/** What the API says about itself must not cost us paid pictures: odd values there count as absent. */
const Word = z.string().nullish().catch(undefined)

const AnswerBody = z.object({
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
  usage: z.record(z.string(), z.unknown()).nullish().catch(undefined),
  size: Word,
  quality: Word,
  background: Word,
  output_format: Word,
  error: z.unknown().optional(),
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
  options: AnswerReaderOptions,
): Promise<Answer> {
  const outline = new JsonOutline()
  const pictures = new Pictures(options)
  let bytesLeft = bodyBytesMax(options)
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    bytesLeft -= bytes.length
    if (bytesLeft < 0)
      throw new AnswerBrokenError('the body is larger than all its pictures may be')
    await readChunk(bytes, outline, pictures)
  }
  if (!outline.isComplete) {
    throw new AnswerBrokenError('the body ends before its final brace', { isCut: true })
  }
  const { byteCounts, oddities } = pictures
  return { body: parseBody(outline, byteCounts), pictureByteCounts: byteCounts, oddities }
}

/** Base64 is a third longer than its bytes; the rest of the doubling leaves room for escapes. */
const bodyBytesMax = ({ picturesMax, imageBytesMax }: AnswerReaderOptions): number =>
  OUTLINE_BYTES_MAX + 2 * picturesMax * imageBytesMax

async function readChunk(bytes: Buffer, outline: JsonOutline, pictures: Pictures): Promise<void> {
  let at = 0
  while (at < bytes.length) {
    if (pictures.isReading) {
      at = await pictures.take(bytes, at)
      continue
    }
    at = outline.take(bytes, at)
    if (outline.pictureIndex !== undefined) pictures.begin(outline.pictureIndex)
  }
}

function parseBody(outline: JsonOutline, byteCounts: ReadonlyMap<number, number>): AnswerBody {
  let json: unknown
  try {
    json = outline.parse()
  } catch {
    throw new AnswerBrokenError('the body is not valid JSON')
  }
  const parsed = AnswerBody.safeParse(json)
  if (!parsed.success) {
    throw new AnswerBrokenError(`the body has another shape: ${z.prettifyError(parsed.error)}`)
  }
  const inJson = (parsed.data.data ?? []).flatMap((item, index) =>
    typeof item?.b64_json === 'string' ? [index] : [],
  )
  // Repeated keys would leave JSON.parse with another picture than the one that was decoded.
  if (inJson.length !== byteCounts.size || !inJson.every((index) => byteCounts.has(index))) {
    throw new AnswerBrokenError('the body repeats its keys')
  }
  return parsed.data
}

const DROPPED: PictureSink = { write: () => Promise.resolve() }

class Pictures {
  readonly byteCounts = new Map<number, number>()
  readonly oddities = new Set<Base64Oddity>()
  readonly #options: AnswerReaderOptions
  #reading: { index: number; decoder: Base64Decoder; sink?: PictureSink } | undefined

  constructor(options: AnswerReaderOptions) {
    this.#options = options
  }

  get isReading(): boolean {
    return this.#reading !== undefined
  }

  begin(index: number): void {
    if (this.byteCounts.has(index)) throw new AnswerBrokenError('the body repeats its keys')
    this.byteCounts.set(index, 0)
    this.#reading = { index, decoder: new Base64Decoder() }
  }

  /** Decodes up to the end of the bytes or the closing quote, and returns where that is. */
  async take(bytes: Buffer, from: number): Promise<number> {
    const reading = this.#reading
    if (reading === undefined) return from
    // No escape in base64 contains a quote, so the first one closes the string.
    const quote = bytes.indexOf(0x22, from)
    const end = quote === -1 ? bytes.length : quote
    await this.#write(reading.decoder.push(bytes.subarray(from, end)))
    if (quote !== -1) {
      await this.#write(reading.decoder.finish())
      for (const oddity of reading.decoder.oddities) this.oddities.add(oddity)
      this.#reading = undefined
    }
    return end
  }

  async #write(bytes: Buffer): Promise<void> {
    const reading = this.#reading
    if (reading === undefined || bytes.length === 0) return
    const { index } = reading
    const byteCount = (this.byteCounts.get(index) ?? 0) + bytes.length
    if (byteCount > this.#options.imageBytesMax) {
      throw new AnswerBrokenError(
        `picture ${index} has more than ${this.#options.imageBytesMax} bytes`,
      )
    }
    this.byteCounts.set(index, byteCount)
    reading.sink ??=
      index < this.#options.picturesMax ? await this.#options.openPicture(index) : DROPPED
    await reading.sink.write(bytes)
  }
}
