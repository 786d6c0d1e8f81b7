/** One HTTP exchange: its key, reading its request within a bound, and sending its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, badKey } from './api-error.ts'
import { inAzureShape } from './azure.ts'
import type { Service } from './service.ts'

export interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  url: URL
  /** Whose manner of speaking: paths, keys and some of the errors differ. */
  host: 'openai' | 'azure'
  /** What the route's pattern captured. */
  parameter: string
  requestId: string
  receivedAtMs: number
  service: Service
}

/** Gives the key, or throws the API's 401. Without a key of its own, the emulator takes any. */
export function authorize({ request, host, service }: Exchange): string {
  const bearer = /^Bearer +(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1]
  const apiKey = request.headers['api-key']
  const key = host === 'azure' && typeof apiKey === 'string' && apiKey !== '' ? apiKey : bearer
  if (key === undefined) {
    throw new ApiError(401, {
      message:
        "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
    })
  }
  if (service.apiKey !== undefined && key !== service.apiKey) throw badKey(key)
  return key
}

export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Buffer<ArrayBuffer>> {
  const tooLarge = () =>
    new ApiError(
      413,
      { message: `The request body is larger than ${bytesMax} bytes.` },
      { connection: 'close' },
    )
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge()
  const chunks: Buffer[] = []
  let byteCount = 0
  // A plain `for await` would destroy the connection on leaving early, and with it the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    byteCount += (chunk as Buffer).length
    if (byteCount > bytesMax) throw tooLarge()
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

export function sendJson(
  { response, receivedAtMs }: Exchange,
  status: number,
  body: unknown,
): void {
  setProcessingTime(response, receivedAtMs)
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body, null, 2)}\n`)
}

export function sendError(exchange: Exchange, error: ApiError): void {
  for (const [name, value] of Object.entries(error.headers)) {
    exchange.response.setHeader(name, value)
  }
  const body = exchange.host === 'azure' ? inAzureShape(error) : error.body
  sendJson(exchange, error.status, body)
}

/** Only routes of the API itself tell it; they are the ones that have a request id. */
export function setProcessingTime(response: ServerResponse, receivedAtMs: number): void {
  if (!response.hasHeader('x-request-id')) return
  response.setHeader('openai-processing-ms', Math.round(performance.now() - receivedAtMs))
}
