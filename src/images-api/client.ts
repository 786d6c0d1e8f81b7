/**
 * The Images API over HTTP, on undici. One request per call: nothing is retried here, no redirect is
 * followed, and every wait is bounded by one deadline. The answer is read as a stream into the caller's sinks.
 */
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { OutcomeUnknownError, ResponseBrokenError, type RenderErrorFacts } from '../errors.ts'
import { AnswerBrokenError } from './answer-broken.ts'
import { untilAborted } from '../until-aborted.ts'
import { readAnswer, type Answer } from './answer-reader.ts'
import { partsOf } from './answer-parts.ts'
import type { AnswerPart, ImagesApi, ImagesCall, SendOptions } from './contract.ts'
import { startDeadline } from './deadline.ts'
import { endpointOf, type Endpoint, type EndpointConfig } from './endpoint.ts'
import { failureOf, requestIdIn } from './failures.ts'
import { wireRequestOf, type WireRequest } from './request.ts'
import { tidyMessage } from './server-words.ts'
import { transportFailure, type CallProgress } from './transport-failure.ts'

export interface ImagesApiConfig extends EndpointConfig {
  /** From sending to the last byte. */
  requestTimeoutMs: number
  /** Larger pictures are refused. */
  imageBytesMax: number
  /** Once an answer has begun, silence this long means that it will not end. */
  silenceMaxMs?: number
}

const CONNECT_TIMEOUT_MS = 10_000
const SILENCE_MAX_MS = 60_000
const ERROR_BODY_BYTES_MAX = 65_536
/** The status has come already: a slow error body is not worth a slot. */
const ERROR_BODY_TIMEOUT_MS = 10_000

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
  let parts: AnswerPart[]
  try {
    parts = await callOnce({ ...api, call, openPicture, signal: deadline.signal, progress }, wire)
  } finally {
    deadline.end()
  }
  yield* parts
}

async function callOnce(exchange: Exchange, wire: WireRequest): Promise<AnswerPart[]> {
  const sentAt = performance.now()
  const response = await post(exchange, wire)
  const { statusCode: status, headers } = response
  if (status < 200 || status > 299) {
    const body = await readErrorBody(response, exchange.config)
    throw failureOf({ status, headers, body }, { secrets: exchange.endpoint.secrets })
  }
  const answer = await readSuccess(exchange, response)
  const requestMs = Math.round(performance.now() - sentAt)
  const parts = partsOf(answer, {
    asked: exchange.call.request.n,
    requestMs,
    requestId: requestIdIn(headers) ?? null,
  })
  // Some servers report a failure with status 200.
  if (parts.length === 1) {
    // What came with `data` may have been made, and so paid: no code can say otherwise.
    const { data, error } = answer.body
    const body = JSON.stringify({ error: data?.length ? undefined : error })
    throw failureOf({ status, headers, body }, { secrets: exchange.endpoint.secrets })
  }
  return parts
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
  pieces: readonly Uint8Array[],
  progress: CallProgress,
): AsyncGenerator<Uint8Array> {
  progress.isSent = true
  yield* pieces
}

async function readSuccess(exchange: Exchange, response: Dispatcher.ResponseData): Promise<Answer> {
  const { call, config, endpoint, openPicture } = exchange
  const facts = { status: response.statusCode, ...requestIdFact(response) }
  const encoding = response.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    response.body.destroy()
    throw new ResponseBrokenError(
      `the answer is compressed (${tidyMessage(String(encoding))}), though asked not to be`,
      facts,
    )
  }
  try {
    return await readAnswer(chunksOf(response.body, exchange, facts), {
      picturesMax: call.request.n,
      imageBytesMax: config.imageBytesMax,
      openPicture,
    })
  } catch (error) {
    if (!(error instanceof AnswerBrokenError)) throw error
    const Failure = error.isCut ? OutcomeUnknownError : ResponseBrokenError
    throw new Failure(
      `the Images API answered ${facts.status}, but ${tidyMessage(error.message, endpoint.secrets)}`,
      { ...facts, cause: error },
    )
  }
}

/** Tells failures of the connection from those of the sinks, which go through as they are. */
async function* chunksOf(
  body: AsyncIterable<Uint8Array>,
  { progress, signal }: Exchange,
  facts: RenderErrorFacts,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw transportFailure(signal.aborted ? signal.reason : error, progress, facts)
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

function requestIdFact({ headers }: Dispatcher.ResponseData): { requestId?: string } {
  const requestId = requestIdIn(headers)
  return requestId === undefined ? {} : { requestId }
}
