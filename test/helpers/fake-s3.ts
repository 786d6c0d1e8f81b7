/**
 * An S3 server in memory whose misbehaviour can be scripted: for what a real server does only rarely or
 * only elsewhere. What S3 does normally is tested on a real one.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeS3 extends AsyncDisposable {
  endpoint: string
  requests: FakeRequest[]
  /** How If-Match and If-None-Match are taken. */
  conditions: 'honoured' | 'ignored' | 'unsupported'
  /** Refuses a put to a key that is taken before its body has come, and closes the connection. */
  refusesEarly: boolean
  /** Asked before every answer; `true` when it has answered (or cut) the request itself. */
  interfere: (request: FakeRequest, response: ServerResponse) => boolean
  /** Stores the body of a put as it is, without looking at conditions. */
  store(request: FakeRequest): string
  remove(path: string): void
  /** May be called again: a server that is down stays down. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface FakeRequest {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Buffer
}

interface StoredObject {
  body: Buffer
  etag: string
  headers: Record<string, string>
}

export async function openFakeS3(): Promise<FakeS3> {
  const objects = new Map<string, StoredObject>()
  const server = createServer((incoming, response) => void serve(incoming, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const fake: FakeS3 = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    conditions: 'honoured',
    refusesEarly: false,
    interfere: () => false,
    store: ({ path, headers, body }) => {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`
      const kept = Object.entries(headers).filter(([name]) =>
        /^(content-type|x-amz-meta-)/.test(name),
      )
      objects.set(path, { body, etag, headers: Object.fromEntries(kept) as Record<string, string> })
      return etag
    },
    remove: (path) => void objects.delete(path),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = incoming
    if (fake.refusesEarly && method === 'PUT' && objects.has(path.replace(/\?.*/, ''))) {
      response.setHeader('connection', 'close')
      return refuse(response, 412, 'PreconditionFailed')
    }
    const body = Buffer.concat((await incoming.toArray()) as Buffer[])
    const request = { method, path: path.replace(/\?.*/, ''), headers, body }
    fake.requests.push(request)
    if (fake.interfere(request, response)) return
    if (method === 'PUT') put(request, response)
    else read(request, response)
  }

  function put(request: FakeRequest, response: ServerResponse): void {
    const there = objects.get(request.path)
    const ifMatch = request.headers['if-match']
    const ifNoneMatch = request.headers['if-none-match']
    const isConditional = ifMatch !== undefined || ifNoneMatch !== undefined
    if (isConditional && fake.conditions === 'unsupported')
      return refuse(response, 501, 'NotImplemented')
    const holds =
      ifMatch === undefined
        ? ifNoneMatch === undefined || there === undefined
        : ifMatch === there?.etag
    if (fake.conditions === 'honoured' && !holds) return refuse(response, 412, 'PreconditionFailed')
    response.writeHead(200, { etag: fake.store(request) }).end()
  }

  function read({ method, path }: FakeRequest, response: ServerResponse): void {
    const object = objects.get(path)
    if (object === undefined) return refuse(response, 404, 'NoSuchKey')
    const { body, etag, headers } = object
    response.writeHead(200, { ...headers, etag, 'content-length': body.byteLength })
    response.end(method === 'HEAD' ? undefined : body)
  }

  return fake
}

/** An error as S3 writes it; HEAD answers carry none. */
export function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}
