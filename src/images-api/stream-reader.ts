/**
 * Reads a streamed answer: server-sent events, each with one picture in its data, partial or final. Pictures
 * are decoded as they arrive; which kind one was shows, at the latest, when its event has ended.
 */
import { z } from 'zod'
import { AnswerBrokenError } from './answer-broken.ts'
import { AnswerNotes, bodyBytesMax, type AnswerReaderOptions } from './answer-reader.ts'
import type { Base64Oddity } from './base64-decoder.ts'
import { EventStream } from './event-stream.ts'
import { PictureJson } from './picture-json.ts'

const EventBody = AnswerNotes.extend({
  type: z.string().nullish().catch(undefined),
  b64_json: z.string().nullish(),
  url: z.string().nullish().catch(undefined),
  revised_prompt: z.string().nullish().catch(undefined),
  created_at: z.number().nullish().catch(undefined),
})
export type EventBody = z.infer<typeof EventBody>

export type StreamPart =
  | { kind: 'preview'; slot: number; byteCount: number }
  | {
      kind: 'result'
      slot: number
      byteCount: number
      body: EventBody
      oddities: ReadonlySet<Base64Oddity>
    }
  /** The server gave up: `error` as it said it. Nothing follows. */
  | { kind: 'error'; error: unknown }

/** The API offers three partial pictures for each result; some servers may send a few more. */
const PREVIEWS_PER_PICTURE_MAX = 9

/**
 * Ends by itself behind the last result asked for, whatever a server still sends. Throws AnswerBrokenError
 * where a stream ends before its first result; what a sink throws goes through as it is.
 */
export async function* readStream(
  chunks: AsyncIterable<Uint8Array>,
  options: AnswerReaderOptions,
): AsyncGenerator<StreamPart> {
  const { picturesMax, imageBytesMax, onState } = options
  const slotsMax = picturesMax * (1 + PREVIEWS_PER_PICTURE_MAX)
  const events = new EventStream()
  const state: State = { slots: 0, results: 0, isOver: false, problem: undefined }
  const newEvent = () => new StreamedEvent({ ...options, slotsMax }, state)
  let event = newEvent()
  let bytesLeft = bodyBytesMax(slotsMax, imageBytesMax)

  for await (const chunk of withEnd(chunks)) {
    bytesLeft -= chunk?.length ?? 0
    if (bytesLeft < 0)
      throw new AnswerBrokenError('the stream is larger than all its pictures may be')
    for (const token of chunk === undefined ? events.finish() : events.push(chunk)) {
      if (token.kind === 'data') {
        await event.take(token.bytes)
        continue
      }
      const part = event.end(token.name)
      event = newEvent()
      if (part !== undefined) yield part
      if (part?.kind === 'error' || state.results === picturesMax) return
    }
    if (state.isOver) break
    onState?.(event.isInsidePicture ? 'picture' : 'between')
  }
  if (state.results === 0) throw endedEarly(state)
}

interface State {
  /** Pictures begun so far, of whatever kind. */
  slots: number
  results: number
  /** `[DONE]` has come. */
  isOver: boolean
  /** Why the last event that was no good could not be used. */
  problem: AnswerBrokenError | undefined
}

function endedEarly({ slots, problem }: State): AnswerBrokenError {
  const seen = slots === 0 ? 'without a picture' : 'before its result came'
  const why = problem === undefined ? '' : `; of one event, ${problem.message}`
  // Cut, or not what it should be: that decides what helps.
  return new AnswerBrokenError(`the stream ended ${seen}${why}`, { isCut: problem === undefined })
}

async function* withEnd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer | undefined> {
  for await (const chunk of chunks) {
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }
  yield undefined
}

/** Data that is no JSON: `[DONE]`, a keep-alive, or an error in plain words. */
const TEXT_CHARS_MAX = 4_096
const BRACE = 0x7b
const BLANKS = ' \t\r\n'

class StreamedEvent {
  readonly #state: State
  readonly #json: PictureJson
  #form: 'unknown' | 'json' | 'text' | 'broken' = 'unknown'
  #text = ''
  #slot: number | undefined

  constructor(options: AnswerReaderOptions & { slotsMax: number }, state: State) {
    this.#state = state
    this.#json = new PictureJson({
      place: 'at the top',
      imageBytesMax: options.imageBytesMax,
      openPicture: async () => {
        if (state.slots >= options.slotsMax)
          throw new AnswerBrokenError('too many partial pictures')
        this.#slot = state.slots
        state.slots += 1
        return options.openPicture(this.#slot)
      },
    })
  }

  get isInsidePicture(): boolean {
    return this.#form === 'json' && this.#json.isInsidePicture
  }

  /** One bad event must not cost the good picture of another: what is wrong is only noted. */
  async take(bytes: Buffer): Promise<void> {
    if (this.#form === 'unknown') this.#form = formOf(bytes)
    if (this.#form === 'text' && this.#text.length < TEXT_CHARS_MAX) {
      this.#text += bytes.toString('utf8', 0, TEXT_CHARS_MAX)
    }
    if (this.#form !== 'json') return
    try {
      await this.#json.take(bytes)
    } catch (error) {
      if (!(error instanceof AnswerBrokenError)) throw error
      this.#state.problem = error
      this.#form = 'broken'
    }
  }

  end(name: string): StreamPart | undefined {
    const state = this.#state
    if (this.#form === 'text') return this.#endText(name)
    const json = this.#form === 'json' ? this.#parse() : undefined
    if (json === undefined) return undefined
    const { body, raw } = json
    const kind = body.type || name
    const problem = this.#json.problems.get(0)
    if (problem !== undefined) {
      state.problem = problem
      return undefined
    }
    const slot = this.#slot ?? -1
    const byteCount = this.#json.byteCounts.get(0) ?? 0
    // Some relays send an empty error with everything.
    const isResult = kind.endsWith('.completed') && byteCount > 0
    if (isError(kind) || (saysSomething(body.error) && !isResult)) {
      return { kind: 'error', error: body.error ?? raw }
    }
    if (kind.endsWith('.partial_image') && slot >= 0) return { kind: 'preview', slot, byteCount }
    if (!kind.endsWith('.completed') || (slot < 0 && !body.url)) return undefined
    state.results += 1
    return { kind: 'result', slot, byteCount, body, oddities: this.#json.oddities }
  }

  #endText(name: string): StreamPart | undefined {
    const text = this.#text.trim()
    if (text === '[DONE]') this.#state.isOver = true
    return isError(name) ? { kind: 'error', error: { message: text } } : undefined
  }

  #parse(): { body: EventBody; raw: unknown } | undefined {
    try {
      if (!this.#json.isComplete)
        throw new AnswerBrokenError('the data ends before its final brace')
      const raw = this.#json.parse()
      const parsed = EventBody.safeParse(raw)
      if (parsed.success) return { body: parsed.data, raw }
      throw new AnswerBrokenError(`the data has another shape: ${z.prettifyError(parsed.error)}`)
    } catch (error) {
      if (!(error instanceof AnswerBrokenError)) throw error
      this.#state.problem = error
      return undefined
    }
  }
}

function formOf(bytes: Buffer): 'unknown' | 'json' | 'text' {
  const first = bytes.find((byte) => !BLANKS.includes(String.fromCharCode(byte)))
  if (first === undefined) return 'unknown'
  return first === BRACE ? 'json' : 'text'
}

const saysSomething = (error: unknown): boolean =>
  typeof error === 'object' && error !== null ? Object.keys(error).length > 0 : Boolean(error)

const isError = (kind: string): boolean => /(^|\.)(error|failed)$/.test(kind)
