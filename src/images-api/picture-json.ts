/**
 * One JSON document with pictures in it, read as it arrives: the base64 of each goes decoded into the sink
 * opened for it, everything else is kept, small, and parsed at the end. Memory does not grow with a picture
 * or with their number. The outcome is the same as JSON.parse and Buffer.from would give, or an error.
 */
import { AnswerBrokenError } from './answer-broken.ts'
import { Base64Decoder, type Base64Oddity } from './base64-decoder.ts'
import type { PictureSink } from './contract.ts'
import { JsonOutline, type BegunPicture, type PicturePlace } from './json-outline.ts'

export interface PictureJsonOptions {
  place: PicturePlace
  /** Larger pictures are refused. */
  imageBytesMax: number
  /** Undefined: this picture is read and dropped. */
  openPicture(index: number): Promise<PictureSink | undefined>
}

interface Reading {
  index: number
  decoder: Base64Decoder
  /** Nothing more is decoded: it is broken, or the second of its index. */
  isDropped: boolean
  sink?: PictureSink
}

const DROPPED: PictureSink = { write: () => Promise.resolve() }
const QUOTE = 0x22

export class PictureJson {
  /** Decoded bytes by index; 0 where the string was empty. */
  readonly byteCounts = new Map<number, number>()
  /** Indices whose string has ended, and was good to its end. */
  readonly whole = new Set<number>()
  /** What is wrong with a picture: it costs the others nothing. */
  readonly problems = new Map<number, AnswerBrokenError>()
  /** What was odd about the base64, whichever picture it was. */
  readonly oddities = new Set<Base64Oddity>()
  readonly #options: PictureJsonOptions
  readonly #outline: JsonOutline
  readonly #heads = new Map<number, string>()
  #reading: Reading | undefined

  constructor(options: PictureJsonOptions) {
    this.#options = options
    this.#outline = new JsonOutline(options.place)
  }

  /** Every bracket is closed: the final brace has come. */
  get isComplete(): boolean {
    return this.#outline.isComplete
  }

  get isInsidePicture(): boolean {
    return this.#reading !== undefined
  }

  /** Throws AnswerBrokenError for what makes all of it useless; what a sink throws goes through as it is. */
  async take(bytes: Buffer): Promise<void> {
    let at = 0
    while (at < bytes.length) {
      if (this.#reading !== undefined) {
        at = await this.#readPicture(bytes, at, this.#reading)
        continue
      }
      const { end, begun } = this.#outline.take(bytes, at)
      if (begun !== undefined) this.#begin(begun)
      at = end
    }
  }

  /** With an empty string in place of each picture's base64. Throws AnswerBrokenError when it is no JSON. */
  parse(): unknown {
    try {
      return this.#outline.parse()
    } catch {
      throw new AnswerBrokenError('the body is not valid JSON')
    }
  }

  #begin({ index, head }: BegunPicture): void {
    // JSON.parse would take the last of two equal keys, and we have decoded the first.
    if (this.#heads.get(index) === head) throw new AnswerBrokenError('the body repeats its keys')
    // Some servers give both `b64_json` and a data URL, one of them perhaps empty.
    const isDropped = (this.byteCounts.get(index) ?? 0) > 0
    this.#heads.set(index, head)
    this.byteCounts.set(index, this.byteCounts.get(index) ?? 0)
    this.#reading = { index, isDropped, decoder: new Base64Decoder(head) }
  }

  /** Decodes up to the end of the bytes or the closing quote, and returns where that is. */
  async #readPicture(bytes: Buffer, from: number, reading: Reading): Promise<number> {
    // No escape in base64 contains a quote, so the first one closes the string.
    const quote = bytes.indexOf(QUOTE, from)
    const end = quote === -1 ? bytes.length : quote
    try {
      if (!reading.isDropped) await this.#decode(bytes.subarray(from, end), reading)
      if (quote !== -1 && !reading.isDropped) await this.#finish(reading)
    } catch (error) {
      if (!(error instanceof AnswerBrokenError)) throw error
      this.problems.set(reading.index, error)
      reading.isDropped = true
    }
    if (quote !== -1) this.#reading = undefined
    return end
  }

  async #decode(piece: Buffer, reading: Reading): Promise<void> {
    for (const block of reading.decoder.push(piece)) await this.#write(block, reading)
  }

  async #finish(reading: Reading): Promise<void> {
    await this.#write(reading.decoder.finish(), reading)
    for (const oddity of reading.decoder.oddities) this.oddities.add(oddity)
    if ((this.byteCounts.get(reading.index) ?? 0) > 0) this.whole.add(reading.index)
  }

  async #write(bytes: Buffer, reading: Reading): Promise<void> {
    if (bytes.length === 0) return
    const { index } = reading
    const { imageBytesMax, openPicture } = this.#options
    const byteCount = (this.byteCounts.get(index) ?? 0) + bytes.length
    if (byteCount > imageBytesMax) {
      throw new AnswerBrokenError(`picture ${index} has more than ${imageBytesMax} bytes`)
    }
    this.byteCounts.set(index, byteCount)
    reading.sink ??= (await openPicture(index)) ?? DROPPED
    await reading.sink.write(bytes)
  }
}
