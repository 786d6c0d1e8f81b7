/**
 * Fetches pictures by URL: inputs that a manifest names, and results that an answer names instead of
 * carrying them. Nothing in such a URL is trusted: where it leads is checked at every hop, and time, bytes
 * and redirects are bounded.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request, type Dispatcher } from 'undici'
import { startDeadline, type Deadline } from '../images-api/deadline.ts'
import { parseUrl } from '../parse-url.ts'
import { backoffDelayMs, type BackoffPolicy } from './backoff.ts'
import { DownloadError, failureOfDownload, mayPass } from './download-failure.ts'
import { dial, guardedConnect, resolveAll, type ConnectSeams } from './guarded-connect.ts'
import { OnceSink } from './once-sink.ts'
import { untilAborted } from '../until-aborted.ts'

export interface DownloaderOptions {
  /** http, any port, loopback and private networks. */
  allowPrivate: boolean
  /** For one result with its redirects and repetitions. An input gets at most ten minutes of it. */
  timeoutMs: number
  /**
   * Result URLs at exactly these origins are fetched as if private ones were allowed: our own API server.
   * Not when a redirect leads there from elsewhere.
   */
  trustedOrigins?: readonly string[]
}

export interface DownloadOptions {
  bytesMax: number
  signal: AbortSignal
  /** Gets the bytes in order, each once; awaited before more is read. */
  sink: (chunk: Uint8Array) => Promise<void>
  /**
   * A result is paid and its URL lives an hour, so it is tried again here until the time is over; an input
   * waits for its row's next try.
   */
  purpose: 'input' | 'result'
  /** By performance.now(): the time of all results of an answer runs from here. Now, when absent. */
  answeredAtMs?: number
}

export interface Downloaded {
  byteCount: number
  contentType: string | undefined
}

export interface Downloader extends AsyncDisposable {
  download(url: string, options: DownloadOptions): Promise<Downloaded>
}

/** What tests replace. */
interface Seams extends ConnectSeams {
  ports: readonly string[]
  backoff: BackoffPolicy
  resultTimeoutMinMs: number
}

/** Between the tries for a result. */
const BACKOFF = { backoffMs: 1_000, backoffMaxMs: 30_000 }
const INPUT_TIMEOUT_MAX_MS = 10 * 60_000
/** What the last picture of an answer still gets when the others used up the time. */
const RESULT_TIMEOUT_MIN_MS = 60_000
const SILENCE_MAX_MS = 30_000
const REDIRECTS_MAX = 3
const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** As WHATWG URLs show them: the default port is empty. */
const PUBLIC_PORTS = ['', '80', '443']
const PRIVATE_HINT = ' (RENDERQ_ALLOW_PRIVATE_URLS=true also allows http: and every port)'

const HEADERS = {
  accept: 'image/png, image/jpeg, image/webp, image/*;q=0.5',
  // Compressed bytes could unfold to more than any limit on what came over the wire.
  'accept-encoding': 'identity',
  'user-agent': 'renderq',
}

export function openDownloader(options: DownloaderOptions, seams: Partial<Seams> = {}): Downloader {
  const { ports = PUBLIC_PORTS, backoff = BACKOFF } = seams
  const { resultTimeoutMinMs = RESULT_TIMEOUT_MIN_MS } = seams
  const connectSeams = { resolve: resolveAll, dial, ...seams }
  const agentFor = (allowPrivate: boolean) =>
    new Agent({
      connect: guardedConnect({ allowPrivate }, connectSeams),
      headersTimeout: SILENCE_MAX_MS,
      bodyTimeout: SILENCE_MAX_MS,
    })
  const guarded = agentFor(options.allowPrivate)
  const trusted = agentFor(true)
  const parts = { ...options, ports, backoff, resultTimeoutMinMs, guarded, trusted }
  return {
    download: (url, download) => fetchPatiently(url, download, parts),
    async [Symbol.asyncDispose]() {
      await Promise.all([guarded.destroy(), trusted.destroy()])
    },
  }
}

interface Parts extends DownloaderOptions {
  ports: readonly string[]
  backoff: BackoffPolicy
  resultTimeoutMinMs: number
  guarded: Dispatcher
  trusted: Dispatcher
}

/** One download under way. */
interface Transfer extends DownloadOptions {
  parts: Parts
  deadline: Deadline
  once: OnceSink
}

async function fetchPatiently(
  url: string,
  options: DownloadOptions,
  parts: Parts,
): Promise<Downloaded> {
  const { purpose } = options
  const deadline = startDeadline(options.signal, timeLeftMs(options, parts))
  const { signal } = deadline
  const transfer = { ...options, parts, deadline, once: new OnceSink(options.sink) }
  let lastFailure: unknown
  try {
    for (let tries = 1; ; tries += 1) {
      const fetched = await tryFetch(url, transfer)
      if (!('failure' in fetched)) return fetched
      lastFailure = fetched.failure
      await sleep(backoffDelayMs(tries, parts.backoff), undefined, { signal })
    }
  } catch (error) {
    if (transfer.once.failure !== undefined) throw transfer.once.failure.error
    throw failureOfDownload(error, { url, signal, purpose, lastFailure })
  } finally {
    deadline.end()
  }
}

function timeLeftMs(
  { purpose, answeredAtMs = performance.now() }: DownloadOptions,
  { timeoutMs, resultTimeoutMinMs }: Parts,
): number {
  if (purpose === 'input') return Math.min(timeoutMs, INPUT_TIMEOUT_MAX_MS)
  const leftMs = timeoutMs - (performance.now() - answeredAtMs)
  return Math.max(leftMs, Math.min(timeoutMs, resultTimeoutMinMs))
}

/** The failure, when another try may cure it. */
async function tryFetch(
  url: string,
  transfer: Transfer,
): Promise<Downloaded | { failure: unknown }> {
  try {
    return await fetchOnce(url, transfer)
  } catch (failure) {
    if (!isWorthAnotherTry(failure, transfer)) throw failure
    return { failure }
  }
}

function isWorthAnotherTry(error: unknown, { purpose, once, deadline }: Transfer): boolean {
  const isOurs = once.failure !== undefined || deadline.signal.aborted
  return purpose === 'result' && !isOurs && mayPass(error)
}

async function fetchOnce(url: string, transfer: Transfer): Promise<Downloaded> {
  const response = await followRedirects(url, transfer)
  try {
    return await receive(response, transfer)
  } finally {
    response.body.destroy()
  }
}

/** By hand, because every hop must pass the same checks as the first. */
async function followRedirects(text: string, transfer: Transfer): Promise<Dispatcher.ResponseData> {
  const { parts, purpose } = transfer
  const { signal } = transfer.deadline
  let url = hopTo(text)
  let isTrusted = purpose === 'result'
  for (let hops = 0; hops <= REDIRECTS_MAX; hops += 1) {
    isTrusted &&= parts.trustedOrigins?.includes(url.origin) === true
    const dispatcher = isTrusted ? parts.trusted : guardedFor(url, parts)
    // undici minds the signal only once a connection stands.
    const response = await untilAborted(
      request(url, { dispatcher, headers: HEADERS, signal }),
      signal,
    )
    const { location } = response.headers
    // A body that is given up on says so once more, to nobody.
    response.body.on('error', () => undefined)
    if (!REDIRECT_STATUSES.has(response.statusCode) || typeof location !== 'string') return response
    response.body.destroy()
    url = hopTo(location, url)
  }
  throw new DownloadError('refused', `more than ${REDIRECTS_MAX} redirects`)
}

function hopTo(text: string, base?: URL): URL {
  const url = parseUrl(text, base)
  if (url === undefined) throw new DownloadError('refused', 'the URL is malformed')
  if (url.username !== '' || url.password !== '') {
    throw new DownloadError('refused', 'the URL holds credentials')
  }
  return url
}

function guardedFor(url: URL, parts: Parts): Dispatcher {
  const allowed = parts.allowPrivate ? ['http:', 'https:'] : ['https:']
  if (!allowed.includes(url.protocol)) {
    throw new DownloadError('refused', `${url.protocol} is not allowed, only https:${PRIVATE_HINT}`)
  }
  if (!parts.allowPrivate && !parts.ports.includes(url.port)) {
    throw new DownloadError('refused', `port ${url.port} is not allowed, only 443${PRIVATE_HINT}`)
  }
  return parts.guarded
}

async function receive(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { bytesMax, once }: Transfer,
): Promise<Downloaded> {
  if (statusCode !== 200) throw statusError(statusCode)
  const encoding = String(headers['content-encoding'] ?? 'identity')
  if (encoding !== 'identity') throw new DownloadError('refused', `it is ${encoding}-encoded`)
  const announced = Number(headers['content-length'] ?? Number.NaN)
  let received = 0
  once.begin()
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    received += chunk.byteLength
    if (received > bytesMax || announced > bytesMax) {
      throw new DownloadError('too-large', `more than ${bytesMax} bytes`)
    }
    await once.write(chunk)
  }
  if (Number.isFinite(announced) && received !== announced) {
    throw new DownloadError('failed', `${received} of ${announced} bytes came`)
  }
  return { byteCount: once.end(), contentType: headers['content-type']?.toString() }
}

/** Client errors mean the URL itself; the three that mean "not now" are as good as a server error. */
function statusError(status: number): DownloadError {
  const isGone = status >= 400 && status < 500 && ![408, 425, 429].includes(status)
  return new DownloadError(isGone ? 'gone' : 'failed', `the server answered ${status}`)
}
