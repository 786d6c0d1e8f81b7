/** Server-side request forgery: no URL of a manifest or of an answer leads into the network of a worker. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openDownloader } from '../../src/worker/download.ts'
import { dial, resolveAll, type Target } from '../../src/worker/guarded-connect.ts'
import { openCanary, type Canary } from './canary.ts'
import { LOCAL_NAMES, METADATA_HOSTS, PRIVATE_HOSTS, REFUSED_URLS } from './ssrf-table.ts'

type Open = typeof openDownloader
type Seams = NonNullable<Parameters<Open>[1]>
type Purpose = 'input' | 'result'

const PURPOSES = ['input', 'result'] as const
const HOSTS = [...PRIVATE_HOSTS, ...METADATA_HOSTS]
/** Of a server that the tests pretend is out there. */
const PUBLIC = '93.184.216.34'
const REDIRECTS = [301, 302, 303, 307, 308] as const
const BYTES = Buffer.from('a picture')

let canary: Canary
let refusedCount = 0
const hostsTried = new Set<string>()

beforeAll(async () => {
  canary = await openCanary()
})
afterAll(async () => {
  await canary[Symbol.asyncDispose]()
})

describe.each(PURPOSES)('as an %s', (purpose) => {
  test.each(HOSTS)('https://%s is not dialled', async (host) => {
    const { refusal, dialled } = open({}, { ports: [canary.port] })

    expect(await refusal(purpose, `https://${host}:${canary.port}/mug.png`)).toMatch(
      /is not a public address|belongs to this machine's host or cloud/,
    )
    expect(dialled).toEqual([])
    hostsTried.add(host)
  })

  test.each(METADATA_HOSTS)(
    'http://%s is not dialled where private addresses are allowed',
    async (host) => {
      const { refusal, dialled } = open({ allowPrivate: true })

      expect(await refusal(purpose, `http://${host}:${canary.port}/latest`)).toContain(
        "belongs to this machine's host or cloud",
      )
      expect(dialled).toEqual([])
    },
  )

  test.each(LOCAL_NAMES)('https://%s, which the DNS leads home, is not dialled', async (host) => {
    for (const home of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '169.254.169.254']) {
      const seams = { ports: [canary.port], resolve: async () => [home] }
      const { refusal, dialled } = open({}, seams)

      expect(await refusal(purpose, `https://${host}:${canary.port}/mug.png`)).toContain(home)
      expect(dialled).toEqual([])
    }
    hostsTried.add(host)
  })

  test.each(['localhost', 'LOCALHOST', 'ｌｏｃａｌｈｏｓｔ'])(
    'https://%s is not dialled as the system resolves it',
    async (host) => {
      const { refusal, dialled } = open({}, { ports: [canary.port], resolve: resolveAll })

      expect(await refusal(purpose, `https://${host}:${canary.port}/mug.png`)).toContain(
        'is not a public address',
      )
      expect(dialled).toEqual([])
    },
  )

  test.each(REFUSED_URLS)('%j is refused for what it is', async (url) => {
    const { refusal, dialled } = open({}, { resolve: async () => [PUBLIC] })

    const message = await refusal(purpose, url)

    expect(message).toMatch(
      /malformed|is not allowed, only|holds credentials|is not a public address/,
    )
    expect(message).not.toContain('secret')
    expect(dialled).toEqual([])
  })

  test.each(REDIRECTS)('a %i leads to none of them', async (status) => {
    await using front = await openFront((request, response) => {
      response.writeHead(status, { location: decodeURIComponent(request.url!.slice(1)) }).end()
    })
    const { refusal, dialled } = open({}, { ...front.seams, ports: ['', canary.port] })
    const locations = [
      ...HOSTS.map((host) => `https://${host}:${canary.port}/mug.png`),
      ...HOSTS.map((host) => `//${host}:${canary.port}/mug.png`),
      ...REFUSED_URLS.filter((url) => /^[a-z]+:/i.test(url)),
    ]

    for (const location of locations) {
      const url = `https://pictures.example/${encodeURIComponent(toHeader(location))}`
      expect(await refusal(purpose, url), location).toMatch(
        /is not a public address|belongs to this|malformed|is not allowed, only|credentials|more than 3/,
      )
    }
    // All that was ever dialled is the server that redirects.
    expect(new Set(dialled)).toEqual(new Set([PUBLIC]))
    expect(front.requestCount()).toBeGreaterThanOrEqual(locations.length)
  })

  test('a chain of redirects is checked at every hop', async () => {
    const hops = ['https://b.example/2', '/3', `https://127.0.0.1:${canary.port}/mug.png`]
    await using front = await openFront((request, response) => {
      const step = Number(request.url!.slice(1))
      response.writeHead(302, { location: hops[step - 1] }).end()
    })
    const { refusal } = open({}, { ...front.seams, ports: ['', canary.port] })

    expect(await refusal(purpose, 'https://a.example/1')).toContain('is not a public address')
    expect(front.requestCount()).toBe(3)
  })

  test('from https to http is no way, not even to a public host', async () => {
    await using front = await openFront((_, response) => {
      response.writeHead(301, { location: 'http://pictures.example/mug.png' }).end()
    })
    const { refusal } = open({}, front.seams)

    expect(await refusal(purpose, 'https://pictures.example/mug.png')).toContain(
      'http: is not allowed',
    )
    expect(front.requestCount()).toBe(1)
  })

  test('a name that changes its mind is checked again', async () => {
    await using front = await openFront((_, response) => response.end(BYTES))
    const answers = [[PUBLIC], ['127.0.0.1'], ['::1'], [PUBLIC, '127.0.0.1']]
    const resolve = async () => answers.shift() ?? []
    const { download, refusal, dialled } = open(
      {},
      { ...front.seams, resolve, ports: [canary.port] },
    )
    const url = `https://pictures.example:${canary.port}/mug.png`

    await download(purpose, url)
    front.hangUp()
    for (let tries = 0; tries < 3; tries += 1) {
      expect(await refusal(purpose, url)).toContain('is not a public address')
    }
    expect(dialled).toEqual([PUBLIC])
    expect(answers).toEqual([])
  })

  test('a redirect to a name that changes its mind between two hops is checked again', async () => {
    await using front = await openFront((_, response) => {
      response.writeHead(302, { location: '/again', connection: 'close' }).end()
    })
    const answers = [[PUBLIC], ['127.0.0.1']]
    const resolve = async () => answers.shift() ?? ['127.0.0.1']
    const { refusal } = open({}, { ...front.seams, resolve, ports: [canary.port] })

    expect(await refusal(purpose, `https://pictures.example:${canary.port}/mug.png`)).toContain(
      'is not a public address',
    )
    expect(front.requestCount()).toBe(1)
  })

  test.each([0, 1, 3, 7, 63])(
    'one private address at place %i of 64 refuses all',
    async (place) => {
      const addresses = Array.from({ length: 64 }, (_, index) => `93.184.216.${index + 1}`)
      addresses[place] = '127.0.0.1'
      const { refusal, dialled } = open({}, { resolve: async () => addresses })

      expect(await refusal(purpose, 'https://pictures.example/mug.png')).toContain('127.0.0.1')
      expect(dialled).toEqual([])
    },
  )

  test('a connection that leads elsewhere than it was dialled gets no byte', async () => {
    const received: Buffer[] = []
    await using impostor = await openFront(() => undefined)
    impostor.server.on('connection', (socket) => socket.on('data', (chunk) => received.push(chunk)))
    // The address that was dialled is public; the one that answers says what it is.
    const dialHome = async () => await connectTo(impostor.port)
    const { refusal } = open({}, { resolve: async () => [PUBLIC], dial: dialHome })

    expect(await refusal(purpose, 'https://pictures.example/mug.png')).toContain('127.0.0.1')
    expect(received).toEqual([])
  })

  test('proxies of the environment change nothing', async () => {
    const proxy = `http://127.0.0.1:${canary.port}`
    for (const name of ['http_proxy', 'https_proxy', 'all_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']) {
      vi.stubEnv(name, proxy)
    }
    for (const name of ['ALL_PROXY', 'npm_config_proxy', 'GLOBAL_AGENT_HTTP_PROXY']) {
      vi.stubEnv(name, proxy)
    }
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    vi.stubEnv('NO_PROXY', '')
    onTestFinished(() => void vi.unstubAllEnvs())
    await using front = await openFront((_, response) => response.end(BYTES))
    const { download, dialled } = open({}, front.seams)

    expect(await download(purpose, 'https://pictures.example/mug.png')).toEqual(BYTES)
    expect(dialled).toEqual([PUBLIC])
  })
})

describe('the origin of the API server', () => {
  /** An API server of one's own beside the worker, as the answer of a result would name it. */
  async function openOwnServer(answer: (response: ServerResponse) => unknown) {
    const front = await openFront((_, response) => answer(response))
    onTestFinished(() => front[Symbol.asyncDispose]())
    const origin = `http://127.0.0.1:${front.port}`
    return { ...front, origin, options: { trustedOrigins: [origin] } }
  }
  const give = (response: ServerResponse) => response.end(BYTES)

  test('is trusted with results, in any spelling that is the same origin', async () => {
    const { origin, options, port } = await openOwnServer(give)
    const { download } = open(options)

    for (const url of [origin, `http://0x7f.1:${port}/x`, `HTTP://2130706433:${port}/x`]) {
      expect(await download('result', url)).toEqual(BYTES)
    }
  })

  test.each([
    ['another port', (_: string, port: string) => `http://127.0.0.1:${Number(port) - 1}/x`],
    ['https', (_: string, port: string) => `https://127.0.0.1:${port}/x`],
    ['another name', (_: string, port: string) => `http://localhost:${port}/x`],
    ['another address of this machine', (_: string, port: string) => `http://127.0.0.2:${port}/x`],
    ['IPv6', (_: string, port: string) => `http://[::ffff:127.0.0.1]:${port}/x`],
    ['a user name', (_: string, port: string) => `http://a@127.0.0.1:${port}/x`],
    ['its host as the user name', (origin: string) => `${origin}@127.0.0.1/x`],
    ['its host as the start of a name', (origin: string) => `${origin}.evil.example/x`],
    ['its host as a path', (origin: string) => `https://127.0.0.1/${origin}`],
  ])('with %s is not trusted', async (_, urlOf) => {
    const { origin, port, options, requestCount } = await openOwnServer(give)
    const { refusal, dialled } = open(options, { ports: ['', port], resolve: async () => [PUBLIC] })

    await refusal('result', urlOf(origin, port))

    expect(dialled).toEqual([])
    expect(requestCount()).toBe(0)
  })

  test('is not trusted with inputs', async () => {
    const { origin, options, requestCount } = await openOwnServer(give)
    const { refusal } = open(options)

    await refusal('input', `${origin}/mug.png`)

    expect(requestCount()).toBe(0)
  })

  test('is not trusted when a stranger redirects there', async () => {
    const own = await openOwnServer(give)
    await using stranger = await openFront((_, response) => {
      response.writeHead(302, { location: `${own.origin}/admin?do=it` }).end()
    })
    const { refusal } = open(own.options, stranger.seams)

    expect(await refusal('result', 'https://cdn.example/1.png')).toContain('http: is not allowed')
    expect([stranger.requestCount(), own.requestCount()]).toEqual([1, 0])
  })

  test('is not trusted when its own redirect comes back by way of a stranger', async () => {
    const own = await openOwnServer((response) =>
      response.writeHead(302, { location: 'https://cdn.example/1.png' }).end(),
    )
    await using stranger = await openFront((_, response) => {
      response.writeHead(302, { location: `${own.origin}/admin?do=it` }).end()
    })
    const { refusal } = open(own.options, stranger.seams)

    await refusal('result', `${own.origin}/1.png`)

    expect([stranger.requestCount(), own.requestCount()]).toEqual([1, 1])
  })

  test('may redirect within itself', async () => {
    const own = await openOwnServer((response) => {
      if (own.requestCount() > 1) response.end(BYTES)
      else response.writeHead(302, { location: '/files/1.png' }).end()
    })
    const { download } = open(own.options)

    expect(await download('result', `${own.origin}/1.png`)).toEqual(BYTES)
  })

  test.each(HOSTS)('may not redirect to https://%s', async (host) => {
    const own = await openOwnServer((response) =>
      response
        .writeHead(302, { location: toHeader(`https://${host}:${canary.port}/mug.png`) })
        .end(),
    )
    const { refusal } = open(own.options, { ports: [canary.port] })

    await refusal('result', `${own.origin}/1.png`)

    expect(own.requestCount()).toBe(1)
  })
})

test('the sums: nobody came', () => {
  const summary = `SSRF: ${hostsTried.size} hosts, ${refusedCount} URLs refused, ${canary.connectionCount()} connections to the canary`
  console.log(summary)
  expect(hostsTried.size).toBeGreaterThanOrEqual(60)
  expect(refusedCount).toBeGreaterThan(3_000)
  expect(canary.connectionCount()).toBe(0)
})

test('the canary does count', async () => {
  await using other = await openCanary()
  for (const host of other.hosts) await once(connect(Number(other.port), host), 'close')

  expect(other.connectionCount()).toBe(other.hosts.length)
})

/** A downloader that notes whom it dials, and says why a URL was refused. */
function open(options: Partial<Parameters<Open>[0]>, seams: Partial<Seams> = {}) {
  const dialled: string[] = []
  const real = seams.dial ?? dial
  const downloader = openDownloader(
    { allowPrivate: false, timeoutMs: 5_000, ...options },
    {
      backoff: { backoffMs: 1, backoffMaxMs: 4 },
      resolve: async (name) => Promise.reject(new Error(`tests resolve nothing: ${name}`)),
      ...seams,
      dial: async (address: string, target: Target) => {
        const isOwnServer = options.trustedOrigins?.some((origin) => origin.includes(address))
        if (isOwnServer !== true || target.protocol !== 'http:') dialled.push(address)
        return await real(address, target)
      },
    },
  )
  onTestFinished(() => downloader[Symbol.asyncDispose]())
  const download = async (purpose: Purpose, url: string) => {
    const chunks: Uint8Array[] = []
    const sink = async (chunk: Uint8Array) => void chunks.push(chunk)
    const { signal } = new AbortController()
    await downloader.download(url, { bytesMax: 1_000, signal, sink, purpose })
    return Buffer.concat(chunks)
  }
  const refusal = async (purpose: Purpose, url: string) => {
    const error: unknown = await download(purpose, url).catch((failure: unknown) => failure)
    // By our own rules at once, not by chance after a few tries.
    expect(error, url).toMatchObject({
      code: purpose === 'input' ? 'input_unusable' : 'result_refused',
    })
    refusedCount += 1
    return (error as Error).message
  }
  return { dialled, download, refusal }
}

/** A server on loopback that a downloader with its seams takes for one at a public address. */
async function openFront(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  let requestCount = 0
  const server = createServer((request, response) => {
    requestCount += 1
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = String((server.address() as AddressInfo).port)
  const dialFront = async (address: string, target: Target) => {
    if (address !== PUBLIC) return await dial(address, target)
    return Object.defineProperty(await connectTo(port), 'remoteAddress', { value: PUBLIC })
  }
  const resolve = async () => [PUBLIC]
  return {
    server,
    port,
    requestCount: () => requestCount,
    hangUp: () => server.closeAllConnections(),
    seams: { resolve, dial: dialFront } satisfies Partial<Seams>,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

async function connectTo(port: string): Promise<Socket> {
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Headers carry bytes; a server writes other letters as UTF-8. */
const toHeader = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
