/**
 * The Images API over HTTP, on undici. One request per call: nothing is retried here, no redirect is
 * followed, and every wait is bounded by one deadline. The answer is read as a stream into the caller's sinks.
 */
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { OutcomeUnknownError, ResponseBrokenError, type RenderErrorFacts } from '../errors.ts'
import { AnswerBrokenError } from './answer-broken.ts'
import { untilAborted } from '../until-aborted.ts'
import { endOfStream, partsOf, partsOfResult, type AnswerFrame } from './answer-parts.ts'
import { readAnswer } from './answer-reader.ts'
import type { AnswerPart, ImagesApi, ImagesCall, SendOptions } from './contract.ts'
import { startDeadline } from './deadline.ts'
import { endpointOf, type Endpoint, type EndpointConfig } from './endpoint.ts'
import { failureOf, requestIdIn } from './failures.ts'
import { PROGRESS_FLOOR, ProgressFloor, type ProgressFloorOptions } from './progress-floor.ts'
import { wireRequestOf, type WireRequest } from './request.ts'
import { tidyMessage } from './server-words.ts'
import { readStream, type StreamPart } from './stream-reader.ts'
import { transportFailure, type CallProgress } from './transport-failure.ts'

export interface ImagesApiConfig extends EndpointConfig {
  /** From sending to the last byte. */
  requestTimeoutMs: number
  /** Larger pictures are refused. */
  imageBytesMax: number
  /** Once an answer has begun, silence this long means that it will not end. */
  silenceMaxMs?: number
  /** The slowest pace of an answer that has begun. */
  progressFloor?: ProgressFloorOptions
}

const CONNECT_TIMEOUT_MS = 10_000
const SILENCE_MAX_MS = 60_000
const ERROR_BODY_BYTES_MAX = 65_536
/** The status has come already: a slow error body is not worth a slot. */
const ERROR_BODY_TIMEOUT_MS = 10_000
/** What may follow the result of a stream: comments and the end. */
const REST_BYTES_MAX = 65_536
const REST_TIMEOUT_MS = 500

/** Throws ConfigError when a credential can't be sent at all. */
export function openImagesApi(config: ImagesApiConfig): ImagesApi {
  const endpoint = endpointOf(config)
  const { silenceMaxMs = SILENCE_MAX_MS, requestTimeoutMs } = config
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // No headers come before the picture is done: the deadline alone limits that wait.
    headersTimeout: 0,
    bodyTimeout: Math.min(silenceMaxMs, requestTimeoutMs),
  })
  return {
    baseUrl: endpoint.publicUrl,
    send: (call, options) => send({ config, agent, endpoint }, call, options),
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

interface OpenApi {
  config: ImagesApiConfig
  agent: Agent
  endpoint: Endpoint
}

/** One call under way. */
interface Exchange extends OpenApi {
  call: ImagesCall
  openPicture: SendOptions['openPicture']
  /** Aborts by the overall deadline or by the caller. */
  signal: AbortSignal
  progress: CallProgress
}

async function* send(
  api: OpenApi,
  call: ImagesCall,
  { signal, openPicture }: SendOptions,
): AsyncGenerator<AnswerPart> {
  const wire = wireRequestOf(call)
  const deadline = startDeadline(signal, api.config.requestTimeoutMs)
  const progress = { host: api.endpoint.host, isSent: false }
  try {
    yield* callOnce({ ...api, call, openPicture, signal: deadline.signal, progress }, wire)
  } finally {
    deadline.end()
  }
}

async function* callOnce(exchange: Exchange, wire: WireRequest): AsyncGenerator<AnswerPart> {
  const sentAt = performance.now()
  const response = await post(exchange, wire)
  const { statusCode: status, headers } = response
  const elapsedMs = performance.now() - sentAt
  if (status < 200 || status > 299) {
    const body = await readErrorBody(response, exchange.config)
    throw failureOf({ status, headers, body, elapsedMs }, { secrets: exchange.endpoint.secrets })
  }
  refuseEncoded(response)
  const frame = () => ({
    asked: exchange.call.request.n,
    requestId: requestIdIn(headers) ?? null,
    requestMs: Math.round(performance.now() - sentAt),
  })
  try {
    // The server decides: some ignore that a stream was asked for, some stream unasked.
    yield* isEventStream(response)
      ? streamedParts(exchange, response, frame)
      : wholeParts(exchange, response, frame)
  } catch (error) {
    throw brokenFailure(error, exchange, response)
  } finally {
    response.body.destroy()
  }
}

function refuseEncoded(response: Dispatcher.ResponseData): void {
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding === 'identity') return
  response.body.destroy()
  throw new ResponseBrokenError(
    `the answer is compressed (${tidyMessage(String(encoding))}), though asked not to be`,
    factsOf(response),
  )
}

const isEventStream = ({ headers }: Dispatcher.ResponseData): boolean =>
  /^\s*text\/event-stream\b/i.test(String(headers['content-type'] ?? ''))

async function* wholeParts(
  exchange: Exchange,
  response: Dispatcher.ResponseData,
  frame: () => AnswerFrame,
): AsyncGenerator<AnswerPart> {
  const { call, config, openPicture } = exchange
  const floor = new ProgressFloor(config.progressFloor ?? PROGRESS_FLOOR)
  const answer = await readAnswer(chunksOf(response, exchange, floor), {
    picturesMax: call.request.n,
    imageBytesMax: config.imageBytesMax,
    openPicture,
  })
  const parts = partsOf(answer, frame())
  // Some servers report a failure with status 200.
  if (parts.length === 1) {
    // What came with `data` may have been made, and so paid: no code can say otherwise.
    const { data, error } = answer.body
    throw failureIn(data?.length ? undefined : error, exchange, response)
  }
  yield* parts
}

async function* streamedParts(
  exchange: Exchange,
  response: Dispatcher.ResponseData,
  frame: () => AnswerFrame,
): AsyncGenerator<AnswerPart> {
  const { call, config, openPicture } = exchange
  const floor = new ProgressFloor(config.progressFloor ?? PROGRESS_FLOOR)
  const results: Extract<StreamPart, { kind: 'result' }>[] = []
  const parts = readStream(chunksOf(response, exchange, floor), {
    picturesMax: call.request.n,
    imageBytesMax: config.imageBytesMax,
    openPicture,
    onIdle: () => floor.rest(),
  })
  for await (const part of parts) {
    switch (part.kind) {
      case 'preview':
        yield part
        break
      case 'result':
        yield* partsOfResult(part, results.length)
        results.push(part)
        break
      case 'error':
        // With a result in hand, what the server says afterwards changes nothing.
        if (results.length === 0) throw failureIn(part.error, exchange, response)
    }
  }
  const parting = frame()
  // When only the end is left, the connection can be used again; if not, it is given up.
  const rest = { limit: REST_BYTES_MAX, signal: AbortSignal.timeout(REST_TIMEOUT_MS) }
  await response.body.dump(rest).catch(() => undefined)
  yield endOfStream(results, parting)
}

function failureIn(
  error: unknown,
  { endpoint }: Exchange,
  { statusCode: status, headers }: Dispatcher.ResponseData,
): Error {
  const body = JSON.stringify({ error })
  return failureOf({ status, headers, body }, { secrets: endpoint.secrets })
}

function brokenFailure(
  error: unknown,
  { endpoint }: Exchange,
  response: Dispatcher.ResponseData,
): unknown {
  if (!(error instanceof AnswerBrokenError)) return error
  const Failure = error.isCut ? OutcomeUnknownError : ResponseBrokenError
  return new Failure(
    `the Images API answered ${response.statusCode}, but ${tidyMessage(error.message, endpoint.secrets)}`,
    { ...factsOf(response), cause: error },
  )
}

async function post(
  { agent, endpoint, signal, progress }: Exchange,
  wire: WireRequest,
): Promise<Dispatcher.ResponseData> {
  try {
    signal.throwIfAborted()
    const request = agent.request({
      method: 'POST',
      ...endpoint.addressOf(wire.path),
      headers: {
        ...endpoint.headers,
        'content-type': wire.contentType,
        'content-length': String(wire.byteCount),
      },
      // undici takes any async iterable, which its types do not say.
      body: markSent(wire.body, progress) as unknown as Readable,
      signal,
    })
    const response = await untilAborted(request, signal)
    // Destroying a body makes it emit an error, which has to have a listener.
    response.body.on('error', () => {})
    return response
  } catch (error) {
    throw transportFailure(error, progress)
  }
}

/** undici asks for the body when a connection stands: from then on the request counts as sent. */
async function* markSent(
  pieces: Iterable<Uint8Array>,
  progress: CallProgress,
): AsyncGenerator<Uint8Array> {
  progress.isSent = true
  yield* pieces
}

/** Tells failures of the connection from those of the sinks, which go through as they are. */
async function* chunksOf(
  response: Dispatcher.ResponseData,
  { progress, signal }: Exchange,
  floor: ProgressFloor,
): AsyncGenerator<Uint8Array> {
  try {
    const chunks = response.body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
    for await (const chunk of chunks) {
      floor.received(chunk.byteLength)
      yield chunk
      floor.waiting()
    }
  } catch (error) {
    throw transportFailure(signal.aborted ? signal.reason : error, progress, factsOf(response))
  }
}

async function readErrorBody(
  { body, headers }: Dispatcher.ResponseData,
  { silenceMaxMs = ERROR_BODY_TIMEOUT_MS }: ImagesApiConfig,
): Promise<string> {
  const timer = setTimeout(() => body.destroy(), Math.min(ERROR_BODY_TIMEOUT_MS, silenceMaxMs))
  const pieces: Buffer[] = []
  let byteCount = 0
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      pieces.push(piece)
      byteCount += piece.length
      if (byteCount >= ERROR_BODY_BYTES_MAX) break
    }
  } catch {
    // The status says enough; a body that breaks off only says less.
  } finally {
    clearTimeout(timer)
  }
  const isReadable = (headers['content-encoding'] ?? 'identity') === 'identity'
  return isReadable ? Buffer.concat(pieces).toString('utf8', 0, ERROR_BODY_BYTES_MAX) : ''
}

function factsOf({ statusCode: status, headers }: Dispatcher.ResponseData): RenderErrorFacts {
  const requestId = requestIdIn(headers)
  return requestId === undefined ? { status } : { status, requestId }
}
