import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config.ts'
import { ConfigError, InterruptedError, RenderError } from '../../../src/errors.ts'
import { openImagesApi, type ImagesApiConfig } from '../../../src/images-api/client.ts'
import type { AnswerPart, ImagesApi, ImagesCall } from '../../../src/images-api/contract.ts'

const closers: (() => PromiseLike<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}

interface Received {
  request: IncomingMessage
  body: Buffer
}

/** A server that reads the whole request, remembers it and answers. */
async function serve(answer: RequestListener): Promise<{ baseUrl: string; received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const answerWhole = async (): Promise<void> => {
      received.push({ request, body: await buffer(request) })
      answer(request, response)
    }
    // A client that gives up while sending is not the server's failure.
    answerWhole().catch(() => {})
  })
  return { baseUrl: await listen(server), received }
}

/** A server that answers a request with these bytes and then does something to the socket. */
async function serveRaw(bytes: string, then: (socket: Socket) => void): Promise<string> {
  return await listen(
    createTcpServer((socket) => {
      socket.once('data', () => socket.write(bytes, 'latin1', () => then(socket)))
    }),
  )
}

const KEY = 'sk-test-0123456789abcdef'

function open(baseUrl: string, config: Partial<ImagesApiConfig> = {}): ImagesApi {
  const api = openImagesApi({
    apiKey: new Secret(KEY),
    baseUrl,
    requestTimeoutMs: 20_000,
    imageBytesMax: 1_000_000,
    ...config,
  })
  closers.push(() => api[Symbol.asyncDispose]())
  return api
}

const GENERATE: ImagesCall = {
  operation: 'generate',
  request: { model: 'gpt-image-2', prompt: 'a mug', n: 1, quality: 'low' },
  images: [],
}
const asking = (n: number): ImagesCall => ({ ...GENERATE, request: { ...GENERATE.request, n } })

interface Outcome {
  parts: AnswerPart[]
  pictures: Map<number, Buffer>
}

async function send(
  api: ImagesApi,
  call = GENERATE,
  signal = new AbortController().signal,
): Promise<Outcome> {
  const pictures = new Map<number, Buffer>()
  const parts: AnswerPart[] = []
  const openPicture = async (index: number) => {
    pictures.set(index, Buffer.alloc(0))
    return {
      write: async (chunk: Uint8Array) => {
        pictures.set(index, Buffer.concat([pictures.get(index)!, chunk]))
      },
    }
  }
  for await (const part of api.send(call, { signal, openPicture })) parts.push(part)
  return { parts, pictures }
}

/** How a call that must fail failed. */
async function failureOf(outcome: Promise<unknown>): Promise<RenderError> {
  const error: unknown = await outcome.then(
    () => expect.fail('the call succeeded'),
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(RenderError)
  expect(JSON.stringify([String(error), String((error as Error).cause), error])).not.toContain(KEY)
  return error as RenderError
}

const PICTURE = Buffer.from('not really a picture, but these are its bytes: \xff\x00', 'latin1')
const b64_json = PICTURE.toString('base64')
const json = JSON.stringify({
  created: 1_790_000_000,
  data: [{ b64_json }],
  usage: { input_tokens: 9, output_tokens: 196 },
  size: '1024x1024',
  quality: 'low',
})

const answerJson: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_1' })
  response.end(json)
}

const answerWith =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body)
  }

const upload = (name: string, mediaType: string) => ({
  bytes: new Uint8Array(Buffer.alloc(100_000, name)),
  mediaType,
  filename: name,
})

describe('a request', () => {
  test('for a generation carries the row as JSON and our credentials', async () => {
    const { baseUrl, received } = await serve(answerJson)

    await send(open(baseUrl, { orgId: 'org-1', projectId: 'proj-1' }))

    const [{ request, body }] = received as [Received]
    expect(`${request.method} ${request.url}`).toBe('POST /v1/images/generations')
    expect(JSON.parse(body.toString())).toEqual(GENERATE.request)
    expect(request.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'openai-organization': 'org-1',
      'openai-project': 'proj-1',
      'content-type': 'application/json',
      'content-length': String(body.length),
      'accept-encoding': 'identity',
    })
    expect(request.headers).not.toHaveProperty('transfer-encoding')
  })

  test('for an edit carries its pictures in order, with their media types and a known length', async () => {
    const { baseUrl, received } = await serve(answerJson)
    await send(open(baseUrl), {
      operation: 'edit',
      request: { ...GENERATE.request, prompt: 'two\nlines' },
      images: [upload('b.png', 'image/png'), upload('a.jpg', 'image/jpeg')],
      mask: upload('mask.png', 'image/png'),
    })

    const [{ request, body }] = received as [Received]
    const headers = { 'content-type': request.headers['content-type'] ?? '' }
    const form = await new Response(new Uint8Array(body), { headers }).formData()
    expect(request.url).toBe('/v1/images/edits')
    expect(request.headers['content-length']).toBe(String(body.length))
    expect(form.get('prompt')).toBe('two\nlines')
    expect(
      form.getAll('image[]').map((file) => `${(file as File).name} ${(file as File).type}`),
    ).toEqual(['b.png image/png', 'a.jpg image/jpeg'])
    expect((form.get('mask') as File).size).toBe(100_000)
    expect(body.includes('octet-stream')).toBe(false)
  })

  test('goes below the path of the base URL and keeps its query', async () => {
    const { baseUrl, received } = await serve(answerJson)
    const api = open(`${baseUrl}/openai/?api-version=preview`)

    await send(api)

    expect(received[0]?.request.url).toBe('/v1/openai/images/generations?api-version=preview')
    expect(api.baseUrl).toBe(`${baseUrl}/openai`)
  })

  test('names itself without what the base URL keeps secret', async () => {
    const { host } = new URL((await serve(answerJson)).baseUrl)

    expect(open(`http://user:password@${host}/v1`).baseUrl).toBe(`http://${host}/v1`)
  })

  test('needs no key where there is none', async () => {
    const { baseUrl, received } = await serve(answerJson)

    await send(open(baseUrl, { apiKey: undefined }))

    expect(received[0]?.request.headers).not.toHaveProperty('authorization')
  })

  test.each(['sk-test\n', 'sk test', 'schlüssel', ''])(
    'a key like %j is refused at the start',
    (key) => {
      expect(() => open('http://127.0.0.1:9/v1', { apiKey: new Secret(key) })).toThrow(ConfigError)
      expect(() => open('http://127.0.0.1:9/v1', { apiKey: new Secret(key) })).toThrow(
        /^OPENAI_API_KEY holds/,
      )
    },
  )

  test('nothing is sent before the answer is asked for', async () => {
    const { baseUrl, received } = await serve(answerJson)

    open(baseUrl).send(GENERATE, {
      signal: new AbortController().signal,
      openPicture: () => expect.fail(),
    })
    await new Promise((resolve) => setTimeout(resolve, 50))

    expect(received).toHaveLength(0)
  })

  test('of several calls at once runs at once, on connections that are used again', async () => {
    const waiting: (() => void)[] = []
    const { baseUrl, received } = await serve((request, response) => {
      // Nobody is answered before all have come.
      waiting.push(() => answerJson(request, response))
      if (received.length >= 20) for (const answer of waiting.splice(0)) answer()
    })
    const api = open(baseUrl)

    await Promise.all(Array.from({ length: 20 }, () => send(api)))
    // A connection is free again a moment after its answer has ended.
    await new Promise((resolve) => setTimeout(resolve, 20))
    await send(api)

    const ports = received.map(({ request }) => request.socket.remotePort)
    expect(new Set(ports).size).toBe(20)
  })
})

describe('an answer', () => {
  test('gives its pictures and, last, what the API said about the call', async () => {
    const { baseUrl } = await serve(answerJson)

    const { parts, pictures } = await send(open(baseUrl))

    expect(pictures).toEqual(new Map([[0, PICTURE]]))
    expect(parts).toEqual([
      { kind: 'picture', index: 0, slot: 0, byteCount: PICTURE.length },
      {
        kind: 'end',
        facts: {
          created: 1_790_000_000,
          usage: { input_tokens: 9, output_tokens: 196 },
          requestId: 'req_1',
          resolved: { size: '1024x1024', quality: 'low' },
          requestMs: expect.any(Number) as number,
          warnings: [],
        },
      },
    ])
  })

  test('of URLs and revised prompts gives them by index', async () => {
    const { baseUrl } = await serve(
      answerWith(
        200,
        JSON.stringify({
          data: [
            { url: 'https://x/1.png', revised_prompt: 'a red mug' },
            { b64_json, revised_prompt: 'a blue mug' },
          ],
        }),
      ),
    )

    const { parts } = await send(open(baseUrl), asking(2))

    expect(parts.slice(0, -1)).toEqual([
      { kind: 'picture-url', index: 0, url: 'https://x/1.png', revisedPrompt: 'a red mug' },
      {
        kind: 'picture',
        index: 1,
        slot: 1,
        byteCount: PICTURE.length,
        revisedPrompt: 'a blue mug',
      },
    ])
    expect(parts.at(-1)).toMatchObject({ facts: { usage: null, created: null, requestId: null } })
  })

  test.each([
    [4, [{ b64_json }, { b64_json }, { b64_json }], ['asked for 4 pictures, got 3']],
    [2, [{ b64_json: '' }, { b64_json }], ['asked for 2 pictures, got 1']],
    [
      1,
      [{ b64_json }, { b64_json }],
      ['asked for 1 picture, the answer held 2: the others were dropped'],
    ],
  ])(
    'to n=%i with other pictures than asked for is taken with a warning',
    async (n, data, warnings) => {
      const { baseUrl } = await serve(answerWith(200, JSON.stringify({ data })))

      const { parts } = await send(open(baseUrl), asking(n))

      expect(parts.at(-1)).toMatchObject({ kind: 'end', facts: { warnings } })
      expect(parts.length).toBeLessThanOrEqual(n + 1)
    },
  )

  test('in chunks of any size is read', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const write = (from: number): void => {
        if (from >= json.length) response.end()
        else response.write(json.slice(from, from + 7), () => write(from + 7))
      }
      write(0)
    })

    expect((await send(open(baseUrl))).pictures.get(0)).toEqual(PICTURE)
  })

  test('that ends with its connection is read', async () => {
    const baseUrl = await serveRaw(`HTTP/1.1 200 OK\r\n\r\n${json}`, (socket) => socket.end())

    expect((await send(open(baseUrl))).pictures.get(0)).toEqual(PICTURE)
  })

  test.each([
    [
      'HTML',
      '<html><body>Sign in</body></html>',
      'not a JSON object: begins with "<html><body>Sign in',
    ],
    ['nothing', '', 'ends before its final brace'],
    ['other JSON', '[]', 'not a JSON object'],
    ['no picture', '{"created":1}', 'the answer holds no picture'],
    ['an empty list', '{"data":[]}', 'the answer holds no picture'],
    ['empty pictures', '{"data":[{"b64_json":""},{}]}', 'the answer holds no picture'],
    ['bad base64', '{"data":[{"b64_json":"<html>"}]}', 'bad base64'],
    [
      'an error beside what may be a picture',
      '{"data":[null],"error":{"code":"rate_limit_exceeded"}}',
      'the answer holds no picture',
    ],
  ])('of status 200 with %s may have been paid', async (_, body, message) => {
    const { baseUrl } = await serve(answerWith(200, body, { 'x-request-id': 'req_9' }))

    const error = await failureOf(send(open(baseUrl)))

    expect(error.message).toContain(message)
    expect(error.callFate).toBe('presumed-paid')
    expect(error).toMatchObject({ status: 200, requestId: 'req_9', advice: { retry: 'unknown' } })
  })

  test.each([
    ['moderation_blocked', 'content_refused'],
    ['rate_limit_exceeded', 'rate_limited'],
    ['invalid_api_key', 'credentials_refused'],
    ['insufficient_quota', 'quota_exhausted'],
  ])('that is the failure %s in spite of its status is %s', async (code, expected) => {
    const { baseUrl } = await serve(answerWith(200, JSON.stringify({ error: { code } })))

    expect((await failureOf(send(open(baseUrl)))).code).toBe(expected)
  })

  test('with odd base64 gives its pictures and says what was odd', async () => {
    const odd = `data:image/png;base64,${b64_json.slice(0, 8)}\r\n${b64_json.slice(8)}`
    const { baseUrl } = await serve(answerWith(200, JSON.stringify({ data: [{ b64_json: odd }] })))

    const { parts, pictures } = await send(open(baseUrl))

    expect(pictures.get(0)).toEqual(PICTURE)
    expect(parts.at(-1)).toMatchObject({
      facts: { warnings: ['the base64 came as a data URL', 'the base64 came with line breaks'] },
    })
  })

  test.each([
    ['gzip', /answered 200, but it is compressed, and damaged/],
    ['zstd', /compressed in a way that nobody asked for \(zstd\)/],
  ])('that can not be uncompressed (%s) is broken', async (encoding, message) => {
    const { baseUrl } = await serve(answerWith(200, json, { 'content-encoding': encoding }))

    const error = await failureOf(send(open(baseUrl)))

    expect(error).toMatchObject({
      code: 'response_broken',
      message: expect.stringMatching(message),
    })
  })

  test('with a picture above the limit is refused', async () => {
    const { baseUrl } = await serve(answerJson)

    const error = await failureOf(send(open(baseUrl, { imageBytesMax: 10 })))

    expect(error.code).toBe('response_broken')
    expect(error.message).toBe('the Images API answered 200, but picture 0 has more than 10 bytes')
  })

  test('that a sink cannot take fails as the sink says, and the connection is closed', async () => {
    const { baseUrl, received } = await serve((_, response) => {
      response.writeHead(200)
      response.write(`{"data":[{"b64_json":"${'QUJD'.repeat(100_000)}`)
    })
    const full = new Error('ENOSPC')
    const api = open(baseUrl)
    const parts = api.send(GENERATE, {
      signal: new AbortController().signal,
      openPicture: async () => ({
        write: async () => {
          throw full
        },
      }),
    })

    await expect(parts[Symbol.asyncIterator]().next()).rejects.toBe(full)

    const { socket } = received[0]!.request
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve))
  })
})

describe('an answer that is cut', () => {
  const cut = json.slice(0, 80)

  test.each([
    [
      'by a length it does not reach',
      `HTTP/1.1 200 OK\r\ncontent-length: ${json.length}\r\n\r\n${cut}`,
    ],
    [
      'inside a chunk',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${json.length.toString(16)}\r\n${cut}`,
    ],
    [
      'between chunks',
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${cut.length.toString(16)}\r\n${cut}\r\n`,
    ],
    ['with nothing to tell its length', `HTTP/1.1 200 OK\r\n\r\n${cut}`],
    ['inside its headers', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['before its first byte', ''],
  ])('%s may have been paid', async (_, bytes) => {
    const baseUrl = await serveRaw(bytes, (socket) => socket.end())

    const error = await failureOf(send(open(baseUrl)))

    expect(error.code).toBe('outcome_unknown')
    expect(error.callFate).toBe('presumed-paid')
  })

  test('by a reset may have been paid', async () => {
    const bytes = `HTTP/1.1 200 OK\r\ncontent-length: ${json.length}\r\n\r\n${cut}`
    const baseUrl = await serveRaw(bytes, (socket) => socket.resetAndDestroy())

    expect((await failureOf(send(open(baseUrl)))).code).toBe('outcome_unknown')
  })

  test('by bytes that are not HTTP may have been paid', async () => {
    const baseUrl = await serveRaw('SSH-2.0-OpenSSH\r\n', (socket) => socket.end())

    expect((await failureOf(send(open(baseUrl)))).code).toBe('outcome_unknown')
  })
})

const errorBody = (code: string) =>
  JSON.stringify({ error: { code, message: 'Words.', type: 'x' } })

describe('an answer without success', () => {
  test.each<[number, string, string, Record<string, string>?]>([
    [400, errorBody('moderation_blocked'), 'content_refused'],
    [400, errorBody('invalid_value'), 'request_rejected'],
    [400, errorBody('billing_hard_limit_reached'), 'quota_exhausted'],
    [401, errorBody('invalid_api_key'), 'credentials_refused'],
    [404, errorBody('model_not_found'), 'request_rejected'],
    [429, errorBody('rate_limit_exceeded'), 'rate_limited', { 'retry-after': '7' }],
    [429, errorBody('insufficient_quota'), 'quota_exhausted'],
    [500, errorBody('server_error'), 'api_unavailable'],
    [502, '<html>Bad Gateway</html>', 'outcome_unknown'],
    [503, '', 'api_unavailable'],
  ])('%i is classified', async (status, body, code, headers = {}) => {
    const { baseUrl } = await serve(
      answerWith(status, body, { 'x-request-id': 'req_2', ...headers }),
    )

    const failure = await failureOf(send(open(baseUrl)))

    expect(failure).toMatchObject({ code, status, requestId: 'req_2' })
  })

  test('names when to come back', async () => {
    const { baseUrl } = await serve(answerWith(429, '', { 'retry-after': '7' }))

    const failure = await failureOf(send(open(baseUrl)))

    expect(failure.advice).toEqual({ retry: 'after', delayMs: 7_000 })
  })

  test('is classified by its status when its body breaks off', async () => {
    const bytes = 'HTTP/1.1 401 Unauthorized\r\ncontent-length: 500\r\n\r\n{"error":'
    const baseUrl = await serveRaw(bytes, (socket) => socket.destroy())

    expect((await failureOf(send(open(baseUrl)))).code).toBe('credentials_refused')
  })

  test('is read no further than 64 kB', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(500)
      const flood = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', flood)
      }
      response.on('error', () => {})
      flood()
    })

    expect((await failureOf(send(open(baseUrl)))).code).toBe('api_unavailable')
  })

  test('is classified by its status when its body drips', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(401)
      const timer = setInterval(() => response.write('x'), 20)
      response.on('close', () => clearInterval(timer))
    })

    const failure = await failureOf(send(open(baseUrl, { errorBodyTimeoutMs: 200 })))

    expect(failure.code).toBe('credentials_refused')
    expect(failure.message).toMatch(/^the Images API answered 401, the key was refused: x+$/)
  })

  test('that is compressed is classified by its status, without garbage', async () => {
    const { baseUrl } = await serve(
      answerWith(400, '\x1f\x8b garbage', { 'content-encoding': 'gzip' }),
    )

    expect((await failureOf(send(open(baseUrl)))).message).toBe(
      'the Images API answered 400, the request was rejected',
    )
  })

  test.each([301, 302, 307, 308])('%i is not followed', async (status) => {
    const target = await serve(answerJson)
    const { baseUrl } = await serve(
      answerWith(status, '', { location: `${target.baseUrl}/images` }),
    )

    const failure = await failureOf(send(open(baseUrl)))

    expect(failure.code).toBe('request_rejected')
    expect(failure.message).toContain(`points to ${target.baseUrl}/images`)
    expect(target.received).toHaveLength(0)
  })
})

describe('time', () => {
  test('a call without an answer ends at its deadline and may have been paid', async () => {
    const { baseUrl, received } = await serve(() => {})

    const error = await failureOf(send(open(baseUrl, { requestTimeoutMs: 300 })))

    expect(error.code).toBe('outcome_unknown')
    expect(error.message).toContain('(more than 300 ms)')
    expect(received).toHaveLength(1)
  })

  test('an answer that drips ends at its deadline', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    })

    const error = await failureOf(send(open(baseUrl, { requestTimeoutMs: 500 })))

    expect(error.code).toBe('outcome_unknown')
    expect(error.message).toContain('(more than 500 ms)')
    expect(error.status).toBe(200)
  })

  test('an answer that falls silent is given up long before its deadline', async () => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200)
      response.write(json.slice(0, 60))
    })

    const progressFloor = { bytesMin: 1, windowMs: 200 }

    const error = await failureOf(send(open(baseUrl, { progressFloor })))

    expect(error.code).toBe('outcome_unknown')
    expect(error.message).toContain('less than 1 bytes of a picture in 200 ms')
  })

  test('an answer may take as long as the picture takes, as long as it has not begun', async () => {
    const { baseUrl } = await serve((request, response) => {
      response.writeHead(200).write('\n  ')
      setTimeout(
        () => answerJson(request, Object.assign(response, { writeHead: () => response })),
        600,
      )
    })
    const progressFloor = { bytesMin: 1_000, windowMs: 200 }

    expect((await send(open(baseUrl, { progressFloor }))).pictures.size).toBe(1)
  })

  test('a slow sink is not a slow answer', async () => {
    const large = JSON.stringify({ data: [{ b64_json: 'AAAA'.repeat(1_000_000) }] })
    const { baseUrl } = await serve(answerWith(200, large))
    const progressFloor = { bytesMin: 1_000_000, windowMs: 400 }
    const api = open(baseUrl, { progressFloor, imageBytesMax: 3_000_000 })
    let byteCount = 0
    const write = async (chunk: Uint8Array): Promise<void> => {
      if (byteCount === 0) await new Promise((resolve) => setTimeout(resolve, 500))
      byteCount += chunk.length
    }
    const { signal } = new AbortController()

    const kinds: string[] = []
    for await (const part of api.send(GENERATE, { signal, openPicture: async () => ({ write }) })) {
      kinds.push(part.kind)
    }

    expect(kinds).toEqual(['picture', 'end'])
    expect(byteCount).toBe(3_000_000)
  })
})

describe('before anything is sent', () => {
  test('a refused connection costs nothing', async () => {
    const server = createTcpServer()
    const baseUrl = await listen(server)
    await new Promise((resolve) => server.close(resolve))

    const error = await failureOf(send(open(baseUrl)))

    expect(error.code).toBe('api_unavailable')
    expect(error.callFate).toBe('not-sent')
    expect(error.message).toContain('ECONNREFUSED')
  })

  test('a host that does not exist costs nothing', async () => {
    const error = await failureOf(send(open('http://images.invalid/v1')))

    expect(error).toMatchObject({ code: 'api_unavailable', callFate: 'not-sent' })
  })

  test('a failed TLS handshake costs nothing', async () => {
    const baseUrl = await serveRaw('HTTP/1.1 400 Bad Request\r\n\r\n', (socket) => socket.end())

    const error = await failureOf(send(open(baseUrl.replace('http:', 'https:'))))

    expect(error).toMatchObject({ code: 'api_unavailable', callFate: 'not-sent' })
  })

  test('a stop goes back as it came, at once', async () => {
    const { baseUrl, received } = await serve(answerJson)
    const stop = new InterruptedError('the worker is stopping')

    expect(await failureOf(send(open(baseUrl), GENERATE, AbortSignal.abort(stop)))).toBe(stop)
    expect(await failureOf(send(open(baseUrl), GENERATE, AbortSignal.abort()))).toBeInstanceOf(
      InterruptedError,
    )
    expect(received).toHaveLength(0)
  })

  test('a stop while connecting does not wait for the connection', async () => {
    // Accepts, but never answers the TLS handshake.
    const baseUrl = await listen(createTcpServer())
    const stop = new AbortController()
    const call = send(open(baseUrl.replace('http:', 'https:')), GENERATE, stop.signal)
    const reason = new InterruptedError('the worker is stopping')

    setTimeout(() => stop.abort(reason), 100)

    expect(await failureOf(call)).toBe(reason)
  })

  test('a deadline while connecting costs nothing', async () => {
    const baseUrl = await listen(createTcpServer())
    const api = open(baseUrl.replace('http:', 'https:'), { requestTimeoutMs: 200 })

    const error = await failureOf(send(api))

    expect(error).toMatchObject({ code: 'api_unavailable', callFate: 'not-sent' })
    expect(error.message).toContain('(more than 200 ms); nothing was sent')
  })
})

describe('a stop after sending', () => {
  test.each([
    ['before the answer', () => {}],
    [
      'within the answer',
      ((_, response) => {
        response.writeHead(200)
        response.write(json.slice(0, 60))
      }) satisfies RequestListener,
    ],
  ])('%s may have been paid', async (_, answer: RequestListener) => {
    const stop = new AbortController()
    const { baseUrl } = await serve((request, response) => {
      answer(request, response)
      setTimeout(() => stop.abort(new InterruptedError('the worker is stopping')), 50)
    })

    const error = await failureOf(send(open(baseUrl), GENERATE, stop.signal))

    expect(error.code).toBe('outcome_unknown')
    expect(error.message).toContain('(the worker is stopping)')
  })
})

describe('a streamed answer', () => {
  const STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req_s' }
  const event = (type: string, more: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
  const partial = event('image_generation.partial_image', { b64_json, partial_image_index: 0 })
  const completed = event('image_generation.completed', {
    b64_json,
    created_at: 1_790_000_000,
    size: '1024x1024',
    usage: { input_tokens: 9, output_tokens: 296 },
  })
  const streaming: ImagesCall = {
    ...GENERATE,
    request: { ...GENERATE.request, stream: true, partial_images: 1 },
  }

  test('gives its previews at once, then the result and its facts', async () => {
    let finish = () => {}
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, STREAM).write(`: ping\n\n${partial}`)
      finish = () => void response.end(completed)
    })
    const signal = new AbortController().signal
    const openPicture = async () => ({ write: async () => undefined })
    const kinds: string[] = []

    for await (const part of open(baseUrl).send(streaming, { signal, openPicture })) {
      kinds.push(part.kind)
      if (part.kind === 'preview') finish()
      if (part.kind !== 'end') continue
      expect(part.facts).toMatchObject({
        created: 1_790_000_000,
        usage: { output_tokens: 296 },
        requestId: 'req_s',
        resolved: { size: '1024x1024' },
        warnings: [],
      })
    }
    expect(kinds).toEqual(['preview', 'picture', 'end'])
  })

  test('that was not asked for is read as well, and a whole one where a stream was', async () => {
    const streamed = await serve((_, response) => response.writeHead(200, STREAM).end(completed))
    const whole = await serve(answerJson)

    expect((await send(open(streamed.baseUrl))).pictures.get(0)).toEqual(PICTURE)
    expect((await send(open(whole.baseUrl), streaming)).pictures.get(0)).toEqual(PICTURE)
  })

  test('adds up what several results cost, and says how many are missing', async () => {
    const { baseUrl } = await serve((_, response) =>
      response.writeHead(200, STREAM).end(completed + completed),
    )

    const { parts } = await send(open(baseUrl), asking(3))

    expect(parts.at(-1)).toMatchObject({
      facts: {
        usage: { input_tokens: 18, output_tokens: 592 },
        warnings: ['asked for 3 pictures, got 2'],
      },
    })
  })

  test('leaves its connection to the next call, even when the server goes on for a moment', async () => {
    const sockets = new Set<unknown>()
    const { baseUrl } = await serve((request, response) => {
      sockets.add(request.socket)
      response.writeHead(200, STREAM).write(completed)
      setTimeout(() => response.end(': bye\n\ndata: [DONE]\n\n'), 30)
    })
    const api = open(baseUrl)

    for (let call = 0; call < 5; call += 1) await send(api, streaming)

    // undici may open a second one before it has put the first away.
    expect(sockets.size).toBeLessThan(3)
  })

  test('is over with its result, even when the server never ends it', async () => {
    const { baseUrl } = await serve(
      (_, response) => void response.writeHead(200, STREAM).write(completed),
    )

    expect((await send(open(baseUrl), streaming)).pictures.get(0)).toEqual(PICTURE)
  })

  test.each([
    ['moderation_blocked', 'content_refused', 'unpaid'],
    ['insufficient_quota', 'quota_exhausted', 'unpaid'],
    ['rate_limit_exceeded', 'rate_limited', 'unpaid'],
    ['server_error', 'outcome_unknown', 'presumed-paid'],
  ])('with the error %s is %s', async (code, ours, callFate) => {
    const { baseUrl } = await serve((_, response) =>
      response
        .writeHead(200, STREAM)
        .end(`${partial}event: error\ndata: {"error":{"code":"${code}","message":"no"}}\n\n`),
    )

    const error = await failureOf(send(open(baseUrl), streaming))

    expect(error).toMatchObject({ code: ours, callFate, requestId: 'req_s' })
  })

  test.each([
    ['ends cleanly', (response: ServerResponse) => void response.end()],
    ['is cut', (response: ServerResponse) => void response.destroy()],
  ])('that %s before its result may have been paid', async (_, end) => {
    const { baseUrl } = await serve((_, response) => {
      response.writeHead(200, STREAM).write(partial)
      setTimeout(() => end(response), 20)
    })

    expect(await failureOf(send(open(baseUrl), streaming))).toMatchObject({
      code: 'outcome_unknown',
      callFate: 'presumed-paid',
      requestId: 'req_s',
    })
  })

  test('may beat its heart for long, but not drip', async () => {
    const progressFloor = { bytesMin: 4_096, windowMs: 150 }
    const drip = (text: string) =>
      serve((_, response) => {
        response.writeHead(200, STREAM)
        const timer = setInterval(() => response.write(text), 10)
        setTimeout(() => {
          clearInterval(timer)
          response.end(`"}\n\n${completed}`)
        }, 600)
      })

    const beating = await send(open((await drip(': ping\n\n')).baseUrl, { progressFloor }))
    expect(beating.pictures.get(0)).toEqual(PICTURE)

    const dripping = await serve((_, response) => {
      response.writeHead(200, STREAM).write('data: {"b64_json":"')
      const timer = setInterval(() => response.write('QUJD'), 10)
      response.on('close', () => clearInterval(timer))
    })
    const error = await failureOf(send(open(dripping.baseUrl, { progressFloor })))
    expect(error.code).toBe('outcome_unknown')
    expect(error.message).toContain('less than 4,096 bytes of a picture in 150 ms')
  })
})

describe('a paid picture is kept', () => {
  const three = (second: string) =>
    `{"data":[{"b64_json":"${b64_json}"},{"b64_json":"${second}"},{"b64_json":"${b64_json}"}]}`
  const STREAM = { 'content-type': 'text/event-stream' }
  const completed = `data: ${JSON.stringify({ type: 'image_edit.completed', b64_json })}\n\n`

  async function kept(answer: RequestListener, n = 1) {
    const { baseUrl } = await serve(answer)
    const api = open(baseUrl, { progressFloor: { bytesMin: 1, windowMs: 300, endMs: 100 } })
    const { parts, pictures } = await send(api, asking(n))
    const end = parts.at(-1)
    const indices = parts.flatMap((part) => (part.kind === 'picture' ? [part.index] : []))
    for (const index of indices) expect(pictures.get(index)).toEqual(PICTURE)
    return { indices, warnings: end?.kind === 'end' ? end.facts.warnings : [] }
  }

  test('when another of its answer is none', async () => {
    const { indices, warnings } = await kept(answerWith(200, three('b*d')), 3)

    expect(indices).toEqual([0, 2])
    expect(warnings.join()).toMatch(/picture 2 is unusable: bad base64/)
  })

  test('when another is too large', async () => {
    const { indices } = await kept(answerWith(200, three('A'.repeat(2_000_000))), 3)

    expect(indices).toEqual([0, 2])
  })

  test.each([
    ['by a reset', (response: ServerResponse) => void response.destroy()],
    ['by its end', (response: ServerResponse) => void response.end()],
    ['by silence', () => undefined],
  ])('when the answer is cut behind it %s', async (_, cut) => {
    const { indices, warnings } = await kept((__, response) => {
      response.writeHead(200)
      response.write(three('QUJD').slice(0, b64_json.length + 40), () => cut(response))
    }, 3)

    expect(indices).toEqual([0])
    expect(warnings.join()).toMatch(/asked for 3 pictures, got 1.*broke off/)
  })

  test.each([
    ['is reset', (response: ServerResponse) => void response.destroy()],
    ['stays open', () => undefined],
  ])('when everything has come and the connection %s', async (_, then) => {
    const { indices, warnings } = await kept((__, response) => {
      response.writeHead(200)
      response.write(json, () => then(response))
    })

    expect(indices).toEqual([0])
    expect(warnings).toEqual([])
  })

  test.each([
    ['a reset', (response: ServerResponse) => void response.destroy()],
    [
      'silence inside the next',
      (response: ServerResponse) => void response.write('data: {"b64_json":"QUJD'),
    ],
  ])('when a stream of several breaks off behind it by %s', async (_, cut) => {
    const { indices, warnings } = await kept((__, response) => {
      response.writeHead(200, STREAM)
      response.write(completed, () => cut(response))
    }, 2)

    expect(indices).toEqual([0])
    expect(warnings.join()).toMatch(/the stream broke off behind its result/)
  })

  test.each([
    ['an empty error beside it', { error: '' }],
    ['an error without words', { error: {} }],
  ])('with %s', async (_, more) => {
    const event = { type: 'image_edit.completed', b64_json, ...more }

    const { indices } = await kept((__, response) =>
      response.writeHead(200, STREAM).end(`data: ${JSON.stringify(event)}\n\n`),
    )

    expect(indices).toEqual([0])
  })

  test.each([
    [
      'an empty base64 beside a data URL',
      { b64_json: '', url: `data:image/png;base64,${b64_json}` },
    ],
    ['a data URL beside its base64', { b64_json, url: `data:image/png;base64,${b64_json}` }],
    ['base64 behind its data URL', { url: `data:image/png;base64,${b64_json}`, b64_json }],
  ])('with %s', async (_, item) => {
    expect((await kept(answerWith(200, JSON.stringify({ data: [item] })))).indices).toEqual([0])
  })

  test('when a proxy compresses the answer', async () => {
    const { gzipSync, brotliCompressSync } = await import('node:zlib')
    for (const [encoding, body] of [
      ['gzip', gzipSync(json)],
      ['br', brotliCompressSync(json)],
    ] as const) {
      const { indices } = await kept((_, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end(body),
      )
      expect(indices).toEqual([0])
    }
  })

  test('when the answer is labelled as what it is not', async () => {
    const { indices } = await kept((_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(`: hi\n\n${completed}`),
    )
    const other = await kept((_, response) => response.writeHead(200, STREAM).end(`\n${json}`))

    expect([indices, other.indices]).toEqual([[0], [0]])
  })

  test('and the wait for it is not counted as slowness', async () => {
    const { indices } = await kept((_, response) => {
      response.writeHead(200, STREAM).write(': hi\n\n')
      setTimeout(() => response.write('data: {"type":"image_edit.completed","b64_json":"'), 400)
      setTimeout(() => response.end(`${b64_json}"}\n\n`), 500)
    })

    expect(indices).toEqual([0])
  })
})

test('an outcome that nobody knows is final when the server asks not to try again', async () => {
  const { baseUrl } = await serve(answerWith(504, 'gateway', { 'x-should-retry': 'false' }))

  expect(await failureOf(send(open(baseUrl)))).toMatchObject({
    code: 'outcome_unknown',
    callFate: 'presumed-paid',
    advice: { retry: 'never' },
  })
})

test('an answer that drips does not hold its place until the deadline', async () => {
  const { baseUrl } = await serve((_, response) => {
    response.writeHead(200).write('{"data":[{"b64_json":"')
    const timer = setInterval(() => response.write('QUJD'), 10)
    response.on('close', () => clearInterval(timer))
  })
  const progressFloor = { bytesMin: 4_096, windowMs: 150 }

  const error = await failureOf(send(open(baseUrl, { progressFloor })))

  expect(error).toMatchObject({ code: 'outcome_unknown', callFate: 'presumed-paid' })
})

test('closing ends what is open and keeps nothing alive', async () => {
  const { baseUrl, received } = await serve(() => {})
  const api = open(baseUrl)
  const call = failureOf(send(api))
  while (received.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))

  await api[Symbol.asyncDispose]()

  expect((await call).code).toBe('outcome_unknown')
  expect((await failureOf(send(api))).callFate).toBe('not-sent')
})
