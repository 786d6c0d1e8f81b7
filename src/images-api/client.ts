/**
 * The Images API over HTTP, on undici. One request per call: nothing is retried here, no redirect is
 * followed, and every wait is bounded by one deadline. The answer is read as a stream into the caller's sinks.
 */
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { untilAborted } from '../until-aborted.ts'
import type { AnswerPart, ImagesApi, ImagesCall, SendOptions } from './contract.ts'
import { startDeadline } from './deadline.ts'
import { endpointOf, type Endpoint, type EndpointConfig } from './endpoint.ts'
import { failureOf } from './failures.ts'
import { PROGRESS_FLOOR, type ProgressFloorOptions } from './progress-floor.ts'
import { receiveParts } from './receive.ts'
import { wireRequestOf, type WireRequest } from './request.ts'
import { transportFailure, type CallProgress } from './transport-failure.ts'

export interface ImagesApiConfig extends EndpointConfig {
  /** From sending to the last byte. */
  requestTimeoutMs: number
  /** Larger pictures are refused. */
  imageBytesMax: number
  /** The slowest pace of a picture that has begun. */
  progressFloor?: Partial<ProgressFloorOptions>
  errorBodyTimeoutMs?: number
}

const CONNECT_TIMEOUT_MS = 10_000
const ERROR_BODY_BYTES_MAX = 65_536
/** The status has come already: a slow error body is not worth a slot. */
const ERROR_BODY_TIMEOUT_MS = 10_000

/** Throws ConfigError when a credential can't be sent at all. */
export function openImagesApi(config: ImagesApiConfig): ImagesApi {
  const endpoint = endpointOf(config)
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // Pictures take minutes to make: until one comes, the deadline alone limits the wait.
    headersTimeout: 0,
    bodyTimeout: 0,
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
  const { call, config, endpoint, openPicture, signal, progress } = exchange
  const sentAtMs = performance.now()
  const response = await post(exchange, wire)
  const { statusCode: status, headers } = response
  const { secrets } = endpoint
  if (status < 200 || status > 299) {
    const elapsedMs = performance.now() - sentAtMs
    const body = await readErrorBody(response, config)
    throw failureOf({ status, headers, body, elapsedMs }, { secrets })
  }
  try {
    yield* receiveParts(response, {
      picturesMax: call.request.n,
      imageBytesMax: config.imageBytesMax,
      openPicture,
      floor: { ...PROGRESS_FLOOR, ...config.progressFloor },
      signal,
      progress,
      secrets,
      sentAtMs,
    })
  } finally {
    response.body.destroy()
  }
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

async function readErrorBody(
  { body, headers }: Dispatcher.ResponseData,
  { errorBodyTimeoutMs = ERROR_BODY_TIMEOUT_MS }: ImagesApiConfig,
): Promise<string> {
  const timer = setTimeout(() => body.destroy(), errorBodyTimeoutMs)
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
