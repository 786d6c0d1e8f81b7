/**
 * The offline Images API: a real HTTP server that checks, charges and answers as the API does, with
 * trouble on demand. It shares no code with the client, so that two readings of the API check each
 * other. Loopback unless told otherwise.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf } from '../errors.ts'
import { parseUrl } from '../parse-url.ts'
import { ApiError, ORGANIZATION } from './api-error.ts'
import { type Exchange, sendError } from './exchange.ts'
import type { FaultRule } from './faults.ts'
import { deleteFile, listFiles, sendFileContent, showFile, uploadFile } from './file-routes.ts'
import { deploymentCall, imageCall } from './image-call.ts'
import { serveResultFile } from './result-files.ts'
import { type EmulatorOptions, openService, type Service } from './service.ts'
import {
  addFaults,
  clearFaults,
  listModels,
  listPaidCalls,
  showModel,
  showStats,
} from './side-routes.ts'
import type { EmulatorStats, PaidCall } from './stats.ts'

export type { EmulatorOptions }

export interface Emulator extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/v1`; the control plane is beside it under `/_emulator/`. */
  readonly baseUrl: string
  stats(): EmulatorStats
  /** The newest paid calls, oldest first. */
  paidCalls(): readonly PaidCall[]
  /** Throws ConfigError when a rule is bad. */
  addFaults(rules: readonly FaultRule[]): void
}

/** Rejects when the port is taken; throws ConfigError when a fault rule is bad. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const closing = new AbortController()
  const service = openService(options, closing.signal)
  const working = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const work = answer(service, request, response).finally(() => working.delete(work))
    working.add(work)
  })
  // Clients pool connections; a short limit here would cut them just as they send.
  server.keepAliveTimeout = 65_000
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
  await once(server, 'listening')
  return {
    baseUrl: baseUrlOf(server),
    stats: () => service.stats.snapshot(),
    paidCalls: () => service.stats.paidCalls(),
    addFaults: (rules) => {
      service.faults.add(rules)
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await Promise.allSettled([closed, ...working])
    },
  }
}

/** An address of every interface is no address to call: there, loopback stands for it. */
function baseUrlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  const anywhere = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address
  return `http://${family === 'IPv6' ? `[${anywhere}]` : anywhere}:${port}/v1`
}

interface Route {
  method: string
  /** The one group, if any, is the route's parameter; it is used as it stands, without decoding. */
  path: RegExp
  handle(exchange: Exchange): void | Promise<void>
}

const ROUTES: readonly Route[] = [
  { method: 'POST', path: /^\/v1\/images\/generations$/, handle: imageCall('generate') },
  { method: 'POST', path: /^\/v1\/images\/edits$/, handle: imageCall('edit') },
  { method: 'POST', path: /^\/v1\/images\/variations$/, handle: imageCall('variation') },
  // Azure's two forms: with the model in the body, and with its deployment in the path.
  { method: 'POST', path: /^\/openai\/v1\/images\/generations$/, handle: imageCall('generate') },
  { method: 'POST', path: /^\/openai\/v1\/images\/edits$/, handle: imageCall('edit') },
  {
    method: 'POST',
    path: /^\/openai\/deployments\/([^/]+)\/images\/generations$/,
    handle: deploymentCall('generate'),
  },
  {
    method: 'POST',
    path: /^\/openai\/deployments\/([^/]+)\/images\/edits$/,
    handle: deploymentCall('edit'),
  },
  { method: 'POST', path: /^\/v1\/files$/, handle: uploadFile },
  { method: 'GET', path: /^\/v1\/files$/, handle: listFiles },
  { method: 'GET', path: /^\/v1\/files\/([^/]+)$/, handle: showFile },
  { method: 'GET', path: /^\/v1\/files\/([^/]+)\/content$/, handle: sendFileContent },
  { method: 'DELETE', path: /^\/v1\/files\/([^/]+)$/, handle: deleteFile },
  { method: 'GET', path: /^\/v1\/models$/, handle: listModels },
  { method: 'GET', path: /^\/v1\/models\/([^/]+)$/, handle: showModel },
  { method: 'GET', path: /^\/_files\/([^/]+)$/, handle: serveResultFile },
  { method: 'GET', path: /^\/_emulator\/stats$/, handle: showStats },
  { method: 'GET', path: /^\/_emulator\/calls$/, handle: listPaidCalls },
  { method: 'POST', path: /^\/_emulator\/faults$/, handle: addFaults },
  { method: 'DELETE', path: /^\/_emulator\/faults$/, handle: clearFaults },
]

/** Never rejects: whatever goes wrong becomes an answer, or nothing when the client is gone. */
async function answer(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = urlOf(request)
  const exchange: Exchange = {
    request,
    response,
    url,
    host: url.pathname.startsWith('/openai/') ? 'azure' : 'openai',
    parameter: '',
    requestId: `req_${randomBytes(16).toString('hex')}`,
    receivedAtMs: performance.now(),
    service,
  }
  try {
    await dispatch(exchange)
  } catch (error) {
    if (response.headersSent || response.destroyed) return
    sendError(exchange, error instanceof ApiError ? error : ownFailure(error))
  }
}

/** Clients send any Host and any path; what can't be read as a URL is simply unknown. */
function urlOf(request: IncomingMessage): URL {
  const target = request.url ?? '/'
  const origin = parseUrl(`http://${request.headers.host ?? 'localhost'}`)
  return (origin && parseUrl(target, origin)) ?? new URL('http://localhost/')
}

async function dispatch(exchange: Exchange): Promise<void> {
  const { request, response, url } = exchange
  if (exchange.host === 'azure') {
    response.setHeader('x-request-id', exchange.requestId)
    response.setHeader('apim-request-id', exchange.requestId)
  } else if (url.pathname.startsWith('/v1/')) {
    response.setHeader('x-request-id', exchange.requestId)
    response.setHeader('openai-version', '2020-10-01')
    response.setHeader('openai-organization', ORGANIZATION)
  }
  const here = ROUTES.filter(({ path }) => path.test(url.pathname))
  const route = here.find(({ method }) => method === request.method)
  if (route === undefined) throw here.length > 0 ? wrongMethod(exchange) : unknownUrl(exchange)
  await route.handle({ ...exchange, parameter: route.path.exec(url.pathname)?.[1] ?? '' })
}

function wrongMethod({ request, url }: Exchange): ApiError {
  const message = `Not allowed to ${request.method} on ${url.pathname}. (HINT: Perhaps you meant to use a different HTTP method?)`
  return new ApiError(405, { message, code: 'method_not_supported' })
}

function unknownUrl({ request, url }: Exchange): ApiError {
  return new ApiError(404, { message: `Invalid URL (${request.method} ${url.pathname})` })
}

/** A bug of the emulator. It says so, lest it be taken for an emulated fault. */
function ownFailure(error: unknown): ApiError {
  const message = `The emulator itself failed: ${messageOf(error)}`
  return new ApiError(500, { message, type: 'server_error', code: 'emulator_failed' })
}
