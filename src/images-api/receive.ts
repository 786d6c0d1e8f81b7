/**
 * From a successful response to answer parts. What the body is, whole or a stream of events, is decided by its first
 * byte: some servers ignore that a stream was asked for, some stream unasked, and some label the one as the other.
 */
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Dispatcher } from 'undici'
import { messageOf, OutcomeUnknownError, ResponseBrokenError } from '../errors.ts'
import { AnswerBrokenError } from './answer-broken.ts'
import { endOfStream, partsOf, partsOfResult, type AnswerFrame } from './answer-parts.ts'
import { readAnswer, type AnswerReaderOptions } from './answer-reader.ts'
import type { AnswerPart } from './contract.ts'
import { answerFacts, failureOf, requestIdIn } from './failures.ts'
import { ProgressFloor, type ProgressFloorOptions } from './progress-floor.ts'
import { tidyMessage } from './server-words.ts'
import { readStream, type StreamPart } from './stream-reader.ts'
import { DeadlineError, transportFailure, type CallProgress } from './transport-failure.ts'

export interface Reception extends Omit<AnswerReaderOptions, 'onState'> {
  floor: ProgressFloorOptions
  /** Aborts by the overall deadline or by the caller. */
  signal: AbortSignal
  progress: CallProgress
  secrets: readonly string[]
  /** By performance.now(). */
  sentAtMs: number
}

/** Throws a RenderError. Leaves the response to whoever made the request. */
export async function* receiveParts(
  response: Dispatcher.ResponseData,
  reception: Reception,
): AsyncGenerator<AnswerPart> {
  const body = decoded(response)
  const floor = new ProgressFloor(reception.floor)
  const source = { response, body, floor, reception }
  try {
    const { head, chunks } = await withHead(chunksOf(source))
    const isStream = head !== BRACE && (isEventStream(response) || STREAM_BEGINS.has(head))
    yield* isStream ? streamedParts(chunks, source) : wholeParts(chunks, source)
  } catch (error) {
    throw brokenFailure(error, source)
  } finally {
    body.destroy()
  }
}

interface Source {
  response: Dispatcher.ResponseData
  /** With any compression taken off. */
  body: Readable
  floor: ProgressFloor
  reception: Reception
}

const BRACE = '{'
/** `data:`, `event:`, `id:`, `retry:` and comments. */
const STREAM_BEGINS: ReadonlySet<string> = new Set(['d', 'e', 'i', 'r', ':'])

const isEventStream = ({ headers }: Dispatcher.ResponseData): boolean =>
  /^\s*text\/event-stream\b/i.test(String(headers['content-type'] ?? ''))

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
} as const

/**
 * We ask for no compression, because its bytes may unfold to any number; a proxy that compresses all the same must
 * not cost a paid picture. The limits of the readers are on what comes out here.
 */
function decoded({ body, headers }: Dispatcher.ResponseData): Readable {
  const encoding = String(headers['content-encoding'] ?? 'identity').toLowerCase()
  if (encoding === 'identity') return body
  if (!Object.hasOwn(DECODERS, encoding)) {
    throw new ResponseBrokenError(
      `the answer is compressed in a way that nobody asked for (${tidyMessage(encoding)})`,
    )
  }
  const decoder = DECODERS[encoding as keyof typeof DECODERS]()
  body.on('error', (error) => decoder.destroy(error))
  decoder.on('error', () => {})
  return body.pipe(decoder)
}

/** Tells failures of the connection from those of the sinks, which go through as they are. */
async function* chunksOf({ response, body, floor, reception }: Source): AsyncGenerator<Uint8Array> {
  const { signal, progress } = reception
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  for (;;) {
    let chunk: Uint8Array | undefined
    try {
      chunk = await floor.next(chunks)
    } catch (error) {
      const isOurDecoder = body !== response.body && !response.body.errored
      if (isOurDecoder && !signal.aborted && !(error instanceof DeadlineError)) {
        throw new AnswerBrokenError('it is compressed, and damaged')
      }
      throw transportFailure(
        signal.aborted ? signal.reason : error,
        progress,
        answerFacts(response),
      )
    }
    if (chunk === undefined) return
    yield chunk
  }
}

/** The first character that is no blank and no byte order mark, and the same chunks once more. */
async function withHead(
  chunks: AsyncGenerator<Uint8Array>,
): Promise<{ head: string; chunks: AsyncIterable<Uint8Array> }> {
  const held: Uint8Array[] = []
  let head = ''
  while (head === '') {
    const { value, done } = await chunks.next()
    if (done === true) break
    // Blanks keep a connection alive; of them, the last piece is as good as all.
    held.splice(0, held.length, value)
    const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    head = /[^\s\xef\xbb\xbf]/.exec(text.toString('latin1', 0, PEEKED_BYTES_MAX))?.[0] ?? ''
    if (head === '' && text.length > PEEKED_BYTES_MAX) head = ' '
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* held
    yield* chunks
  }
  return { head, chunks: all() }
}

const PEEKED_BYTES_MAX = 4_096

const frameOf = ({ response, reception }: Source): AnswerFrame => ({
  asked: reception.picturesMax,
  requestId: requestIdIn(response.headers) ?? null,
  requestMs: Math.round(performance.now() - reception.sentAtMs),
})

async function* wholeParts(
  chunks: AsyncIterable<Uint8Array>,
  source: Source,
): AsyncGenerator<AnswerPart> {
  const { floor, reception } = source
  const onState: AnswerReaderOptions['onState'] = (state) => floor.expect(state)
  const answer = await readAnswer(chunks, { ...reception, onState })
  const parts = partsOf(answer, frameOf(source))
  // Some servers report a failure with status 200.
  if (parts.length === 1) {
    // What came with `data` may have been made, and so paid: no code can say otherwise.
    const { data, error } = answer.body
    throw failureIn(data?.length ? undefined : error, source)
  }
  yield* parts
}

async function* streamedParts(
  chunks: AsyncIterable<Uint8Array>,
  source: Source,
): AsyncGenerator<AnswerPart> {
  const { floor, reception, body } = source
  const onState: AnswerReaderOptions['onState'] = (state) => floor.expect(state)
  const results: Extract<StreamPart, { kind: 'result' }>[] = []
  let loss: string | undefined
  try {
    for await (const part of readStream(chunks, { ...reception, onState })) {
      if (part.kind === 'preview') yield part
      if (part.kind === 'result') {
        yield* partsOfResult(part, results.length)
        results.push(part)
      }
      // With a result in hand, what the server says afterwards changes nothing.
      if (part.kind === 'error' && results.length === 0) throw failureIn(part.error, source)
    }
  } catch (error) {
    const isServers = error instanceof AnswerBrokenError || error instanceof OutcomeUnknownError
    if (!isServers || results.length === 0) throw error
    loss = messageOf(error)
  }
  const frame = frameOf(source)
  await letEnd(body)
  yield endOfStream(results, frame, loss)
}

/** What may follow the result of a stream: comments and the end. */
const REST_BYTES_MAX = 65_536
const REST_TIMEOUT_MS = 500

/** When only the end is left, the connection can be used again; if not, it is given up. */
async function letEnd(body: Readable): Promise<void> {
  if (!('dump' in body)) return
  const { dump } = body as Dispatcher.ResponseData['body']
  const rest = { limit: REST_BYTES_MAX, signal: AbortSignal.timeout(REST_TIMEOUT_MS) }
  await dump.call(body, rest).catch(() => undefined)
}

function failureIn(error: unknown, { response, reception }: Source): Error {
  const { statusCode: status, headers } = response
  const { secrets } = reception
  return failureOf({ status, headers, body: JSON.stringify({ error }) }, { secrets })
}

function brokenFailure(error: unknown, { response, reception }: Source): unknown {
  if (!(error instanceof AnswerBrokenError)) return error
  const Failure = error.isCut ? OutcomeUnknownError : ResponseBrokenError
  return new Failure(
    `the Images API answered ${response.statusCode}, but ${tidyMessage(error.message, reception.secrets)}`,
    { ...answerFacts(response), cause: error },
  )
}
