import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { InterruptedError } from '../../../src/errors.ts'
import { openDownloader, type Downloader } from '../../../src/worker/download.ts'

type Open = typeof openDownloader
const NEVER = new AbortController().signal
const BYTES = Buffer.from('the bytes of a picture, as good as any')

describe('addresses that are not public', () => {
  /** Any connection at all would be one too many. */
  const literals = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::7f00:1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[fec0::1]',
    '[ff02::1]',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    'localhost',
  ]

  test.each(literals)('https://%s is refused without a connection', async (host) => {
    const canary = await openCanary()
    const { downloader } = open({ allowPrivate: false }, { ports: [canary.port] })

    const download = fetchInput(downloader, `https://${host}:${canary.port}/mug.png`)

    await expect(download).rejects.toMatchObject({
      code: 'input_unusable',
      message: expect.stringMatching(/is not a public address|belongs to this machine/),
    })
    expect(canary.connectionCount()).toBe(0)
  })

  test('the message names the host, its address and the setting that would allow it', async () => {
    const { downloader } = open({ allowPrivate: false }, { resolve: async () => ['10.1.2.3'] })

    await expect(fetchInput(downloader, 'https://intranet.example/mug.png')).rejects.toMatchObject({
      code: 'input_unusable',
      message: expect.stringMatching(
        /https:\/\/intranet\.example\/mug\.png.*\(10\.1\.2\.3\) is not a public address.*RENDERQ_ALLOW_PRIVATE_URLS/,
      ),
    })
  })

  test.each([
    ['one private address among public ones', ['93.184.216.34', '127.0.0.1']],
    ['an IPv6 address that stands for a private one', ['::ffff:10.0.0.1']],
    ['something that is no address', ['not-an-address']],
    ['no address', []],
  ])('a name with %s is refused', async (_, addresses) => {
    const dialled: string[] = []
    const { downloader } = open(
      { allowPrivate: false },
      { resolve: async () => addresses, dial: refuseToDial(dialled) },
    )

    await expect(fetchInput(downloader, 'https://pictures.example/mug.png')).rejects.toMatchObject({
      code: 'input_unusable',
    })
    expect(dialled).toEqual([])
  })

  test('a name is asked once, and the address that was checked is the one that is dialled', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']]
    const dialled: string[] = []
    const { downloader } = open(
      { allowPrivate: false },
      { resolve: async () => answers.shift() ?? [], dial: refuseToDial(dialled) },
    )

    await expect(fetchInput(downloader, 'https://pictures.example/mug.png')).rejects.toThrow(
      'tests dial nobody',
    )

    expect(dialled).toEqual(['93.184.216.34'])
    expect(answers).toEqual([['127.0.0.1']])
  })

  test('a connection that ended up at a private address gets no request', async () => {
    const canary = await openCanary()
    const { downloader } = open(
      { allowPrivate: false },
      {
        resolve: async () => ['93.184.216.34'],
        dial: async () => {
          const socket = connect(Number(canary.port), '127.0.0.1')
          await new Promise((done) => socket.once('connect', done))
          return socket
        },
      },
    )

    await expect(fetchInput(downloader, 'https://pictures.example/mug.png')).rejects.toMatchObject({
      code: 'input_unusable',
    })
    expect(await canary.received()).toBe('')
  })

  test.each([
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    '[fd00:ec2::254]',
    '[fe80::1]',
  ])(
    'http://%s, where clouds keep credentials, is refused even with private addresses allowed',
    async (host) => {
      const dialled: string[] = []
      const { downloader } = open({ allowPrivate: true }, { dial: refuseToDial(dialled) })

      await expect(fetchInput(downloader, `http://${host}/latest`)).rejects.toMatchObject({
        code: 'input_unusable',
      })
      expect(dialled).toEqual([])
    },
  )
})

describe('URLs', () => {
  test.each([
    ['http://pictures.example/mug.png', /only https/],
    ['file:///etc/passwd', /only https/],
    ['data:image/png;base64,AAAA', /only https/],
    ['ftp://pictures.example/mug.png', /only https/],
    ['https://user:secret@pictures.example/mug.png', /credentials/],
    ['https://pictures.example:6379/mug.png', /port 6379/],
    ['https://', /malformed/],
    ['mug.png', /malformed/],
  ])('%s is refused', async (url, message) => {
    const dialled: string[] = []
    const { downloader } = open({ allowPrivate: false }, { dial: refuseToDial(dialled) })

    const error = await fetchInput(downloader, url).catch((failure: unknown) => failure)

    expect(error).toMatchObject({
      code: 'input_unusable',
      message: expect.stringMatching(message),
    })
    expect(String(error)).not.toContain('secret')
    expect(dialled).toEqual([])
  })

  test('the certificate is asked for by the name in the URL, not by the address', async () => {
    const canary = await openCanary()
    const { downloader } = open({ allowPrivate: true }, { resolve: async () => ['127.0.0.1'] })

    const url = `https://pictures.example:${canary.port}/mug.png`
    await expect(fetchInput(downloader, url)).rejects.toMatchObject({ code: 'input_unavailable' })

    expect(await canary.received()).toContain('pictures.example')
  })

  test('the next address is tried when the first does not answer', async () => {
    const { port } = await serve((_, response) => response.end(BYTES))
    const { downloader, sunk } = open(
      { allowPrivate: true },
      // Nothing listens on 127.0.0.2 with the port of another address.
      { resolve: async () => ['127.0.0.2', '127.0.0.1'] },
    )

    await fetchInput(downloader, `http://pictures.example:${port}/mug.png`)

    expect(sunk()).toEqual(BYTES)
  })
})

describe('redirects', () => {
  test('up to three are followed', async () => {
    const { origin } = await serve((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) return response.end(BYTES)
      return response.writeHead(302, { location: `/${left - 1}` }).end('moved')
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    await fetchInput(downloader, `${origin}/3`)
    expect(sunk()).toEqual(BYTES)

    await expect(fetchInput(downloader, `${origin}/4`)).rejects.toMatchObject({
      code: 'input_unusable',
      message: expect.stringContaining('more than 3 redirects'),
    })
  })

  test('a redirect to a private address is refused, wherever it comes from', async () => {
    const canary = await openCanary()
    const { origin } = await serve((_, response) =>
      response.writeHead(307, { location: `https://127.0.0.1:${canary.port}/mug.png` }).end(),
    )
    const { downloader } = open(
      { allowPrivate: false, trustedOrigins: [origin] },
      { ports: [canary.port] },
    )

    await expect(fetchResult(downloader, `${origin}/mug.png`)).rejects.toMatchObject({
      code: 'result_refused',
      message: expect.stringContaining('not a public address'),
    })
    expect(canary.connectionCount()).toBe(0)
  })

  test.each(['file:///etc/passwd', 'https://user:pw@127.0.0.1/', 'https://'])(
    'a redirect to %s is refused',
    async (location) => {
      const { origin } = await serve((_, response) => response.writeHead(301, { location }).end())
      const { downloader } = open({ allowPrivate: true })

      await expect(fetchInput(downloader, origin)).rejects.toMatchObject({
        code: 'input_unusable',
      })
    },
  )
})

describe('bodies', () => {
  test('come in order, whole, with their content type', async () => {
    const { origin } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'image/png' })
      response.write(BYTES.subarray(0, 5))
      setTimeout(() => response.end(BYTES.subarray(5)), 10)
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    const downloaded = await fetchInput(downloader, `${origin}/mug.png`)

    expect(downloaded).toEqual({ byteCount: BYTES.byteLength, contentType: 'image/png' })
    expect(sunk()).toEqual(BYTES)
  })

  test('larger than allowed are cut off, announced or not', async () => {
    const { origin } = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', 1_000_000)
      response.write(Buffer.alloc(1_000))
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    for (const path of ['/announced', '/not']) {
      const download = fetchInput(downloader, origin + path, { bytesMax: 999 })
      await expect(download).rejects.toMatchObject({
        code: 'input_unusable',
        message: expect.stringContaining('more than 999 bytes'),
      })
    }
    expect(sunk().byteLength).toBe(0)
  })

  test('exactly as large as allowed are fine', async () => {
    const { origin } = await serve((_, response) => response.end(BYTES))
    const { downloader, sunk } = open({ allowPrivate: true })

    await fetchInput(downloader, origin, { bytesMax: BYTES.byteLength })

    expect(sunk()).toEqual(BYTES)
  })

  test('compressed are refused, and compression is not asked for', async () => {
    const seen: unknown[] = []
    const { origin } = await serve((request, response) => {
      seen.push(request.headers['accept-encoding'])
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1_000_000)))
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    await expect(fetchInput(downloader, origin)).rejects.toMatchObject({ code: 'input_unusable' })

    expect(seen).toEqual(['identity'])
    expect(sunk().byteLength).toBe(0)
  })

  test('cut short are never taken for whole', async () => {
    const { origin } = await serve((_, response) => {
      response.setHeader('content-length', BYTES.byteLength)
      response.write(BYTES.subarray(0, 10), () => response.destroy())
    })
    const { downloader } = open({ allowPrivate: true })

    await expect(fetchInput(downloader, origin)).rejects.toMatchObject({
      code: 'input_unavailable',
    })
  })

  test('that do not end are cut off at the deadline', async () => {
    const { origin } = await serve((_, response) => {
      const timer = setInterval(() => response.write('.'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const { downloader } = open({ allowPrivate: true, timeoutMs: 200 })

    await expect(fetchInput(downloader, origin)).rejects.toMatchObject({
      code: 'input_unavailable',
      message: expect.stringContaining('more than 200 ms'),
    })
  })

  test('what the sink throws is thrown as it is, and nothing is tried again', async () => {
    const { origin, requestCount } = await serve((_, response) => response.end(BYTES))
    const { downloader } = open({ allowPrivate: true })
    const full = new Error('the disk is full')

    const download = fetchResult(downloader, origin, { sink: () => Promise.reject(full) })

    await expect(download).rejects.toBe(full)
    expect(requestCount()).toBe(1)
  })

  test('no more is read while the sink is busy', async () => {
    const { origin } = await serve((_, response) => {
      response.write(BYTES.subarray(0, 10))
      setTimeout(() => response.end(BYTES.subarray(10)), 5)
    })
    const { downloader } = open({ allowPrivate: true })
    let busyCount = 0
    const overlaps: number[] = []

    await fetchInput(downloader, origin, {
      sink: async () => {
        overlaps.push(busyCount)
        busyCount += 1
        await new Promise((done) => setTimeout(done, 20))
        busyCount -= 1
      },
    })

    expect(overlaps).toEqual([0, 0])
  })
})

describe('an input picture', () => {
  test.each([
    [404, 'input_unusable'],
    [403, 'input_unusable'],
    [410, 'input_unusable'],
    [401, 'input_unusable'],
    [408, 'input_unavailable'],
    [429, 'input_unavailable'],
    [500, 'input_unavailable'],
    [503, 'input_unavailable'],
    [204, 'input_unavailable'],
  ])('behind a %i is %s, after one try', async (status, code) => {
    const { origin, requestCount } = await serve((_, response) =>
      response.writeHead(status).end(status === 204 ? '' : 'sorry'),
    )
    const { downloader } = open({ allowPrivate: true })

    await expect(fetchInput(downloader, origin)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`answered ${status}`),
    })
    expect(requestCount()).toBe(1)
  })

  test('from a server that is down is unavailable', async () => {
    const { downloader } = open({ allowPrivate: true })

    await expect(fetchInput(downloader, 'http://127.0.0.1:1/mug.png')).rejects.toMatchObject({
      code: 'input_unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  test('at the API server is not trusted: only results are', async () => {
    const { origin, requestCount } = await serve((_, response) => response.end(BYTES))
    const { downloader } = open({ allowPrivate: false, trustedOrigins: [origin] })

    await expect(fetchInput(downloader, origin)).rejects.toMatchObject({ code: 'input_unusable' })
    expect(requestCount()).toBe(0)
  })

  test('that nobody waits for any more was not sent', async () => {
    const { origin } = await serve(() => undefined)
    const { downloader } = open({ allowPrivate: true })
    const stop = new AbortController()
    const reason = new InterruptedError('stopping')
    setTimeout(() => stop.abort(reason), 20)

    const download = fetchInput(downloader, origin, { signal: stop.signal })

    await expect(download).rejects.toBe(reason)
  })
})

describe('a result', () => {
  test('at the origin of the API server may be private and plain http', async () => {
    const { origin } = await serve((_, response) => response.end(BYTES))
    const { downloader, sunk } = open({ allowPrivate: false, trustedOrigins: [origin] })

    await fetchResult(downloader, `${origin}/files/1.png?sig=abc`)

    expect(sunk()).toEqual(BYTES)
  })

  test('at another port of that host is not trusted', async () => {
    const { origin, requestCount } = await serve((_, response) => response.end(BYTES))
    const { downloader } = open({ allowPrivate: false, trustedOrigins: ['http://127.0.0.1:1'] })

    await expect(fetchResult(downloader, origin)).rejects.toMatchObject({ code: 'result_refused' })
    expect(requestCount()).toBe(0)
  })

  test.each([
    'http://pictures.example/1.png?sig=hunter2',
    'https://pictures.example:8443/1.png?sig=hunter2',
    'https://10.0.0.1/1.png?sig=hunter2',
  ])('at %s stops everybody, and says which setting would allow it', async (url) => {
    const { downloader } = open({ allowPrivate: false })

    const error = await fetchResult(downloader, url).catch((failure: unknown) => failure)

    expect(error).toMatchObject({
      code: 'result_refused',
      callFate: 'presumed-paid',
      advice: { retry: 'pause', reason: expect.stringContaining('RENDERQ_ALLOW_PRIVATE_URLS') },
    })
    expect(String(error)).not.toContain('hunter2')
  })

  test.each([403, 404, 410])('whose URL answers %i has expired, after one try', async (status) => {
    const { origin, requestCount } = await serve((_, response) => response.writeHead(status).end())
    const { downloader } = open({ allowPrivate: true })

    const error = await fetchResult(downloader, `${origin}/1.png?sig=hunter2`).catch(
      (failure: unknown) => failure,
    )

    expect(error).toMatchObject({ code: 'result_expired', callFate: 'presumed-paid' })
    expect(String(error)).not.toContain('hunter2')
    expect(requestCount()).toBe(1)
  })

  test.each([
    ['answers 503', 503],
    ['answers 429', 429],
    ['resets the connection', 0],
  ])('whose server %s many times is fetched in the end', async (_, status) => {
    const { origin, requestCount } = await serve((request, response) => {
      if (requestCount() > 12) response.end(BYTES)
      else if (status === 0) request.socket.resetAndDestroy()
      else response.writeHead(status).end()
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    await fetchResult(downloader, origin)

    expect(sunk()).toEqual(BYTES)
    expect(requestCount()).toBe(13)
  })

  test('that fails until the time is over can be had later, for free', async () => {
    const { origin, requestCount } = await serve((_, response) => response.writeHead(503).end())
    const { downloader } = open({ allowPrivate: true, timeoutMs: 200 })

    await expect(fetchResult(downloader, origin)).rejects.toMatchObject({
      code: 'result_unavailable',
      advice: { retry: 'later' },
      message: expect.stringMatching(/keeps failing \(more than 200 ms, last: .*answered 503/),
    })
    expect(requestCount()).toBeGreaterThan(1)
  })

  test('has the time since its answer came, and a little more for the last pictures of many', async () => {
    const { origin, requestCount } = await serve((_, response) => response.writeHead(503).end())
    const { downloader } = open(
      { allowPrivate: true, timeoutMs: 1_800_000 },
      { resultTimeoutMinMs: 1_500 },
    )

    const late = fetchResult(downloader, origin, { answeredAtMs: performance.now() - 1_800_000 })

    await expect(late).rejects.toMatchObject({ code: 'result_unavailable' })
    expect(requestCount()).toBeGreaterThan(0)
  })

  test('that is cut half-way is fetched again, and the sink gets every byte once', async () => {
    const { origin, requestCount } = await serve((_, response) => {
      response.setHeader('content-length', BYTES.byteLength)
      if (requestCount() === 3) response.end(BYTES)
      else response.write(BYTES.subarray(0, 10 * requestCount()), () => response.destroy())
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    const { byteCount } = await fetchResult(downloader, origin)

    expect(byteCount).toBe(BYTES.byteLength)
    expect(sunk()).toEqual(BYTES)
    expect(requestCount()).toBe(3)
  })

  test.each([
    ['begins with other bytes', Buffer.from('quite another picture than before')],
    ['has fewer bytes than were delivered', BYTES.subarray(0, 5)],
  ])('that is cut and then %s is lost, not mixed', async (_, other) => {
    const { origin, requestCount } = await serve((_, response) => {
      if (requestCount() > 1) return response.end(other)
      response.setHeader('content-length', BYTES.byteLength)
      return response.write(BYTES.subarray(0, 10), () => response.destroy())
    })
    const { downloader, sunk } = open({ allowPrivate: true })

    await expect(fetchResult(downloader, origin)).rejects.toMatchObject({
      code: 'result_expired',
    })
    expect(sunk()).toEqual(BYTES.subarray(0, 10))
    expect(requestCount()).toBe(2)
  })

  test('that is too large is not bought and fetched for ever', async () => {
    const { origin, requestCount } = await serve((_, response) => response.end(BYTES))
    const { downloader } = open({ allowPrivate: true })

    await expect(fetchResult(downloader, origin, { bytesMax: 5 })).rejects.toMatchObject({
      code: 'response_broken',
    })
    expect(requestCount()).toBe(1)
  })

  test('that is abandoned goes back, its answer being in the spool', async () => {
    const { origin } = await serve(() => undefined)
    const { downloader } = open({ allowPrivate: true })

    const download = fetchResult(downloader, origin, { signal: AbortSignal.timeout(30) })

    await expect(download).rejects.toMatchObject({
      code: 'interrupted',
    })
  })
})

describe('before a connection stands', () => {
  const forEver = () => new Promise<never>(() => undefined)
  const stuck = [
    ['resolving', { resolve: forEver }],
    ['connecting', { resolve: async () => ['93.184.216.34'], dial: forEver }],
  ] as const

  test.each(stuck)('a download that hangs in %s ends when it is told to', async (_, seams) => {
    const { downloader } = open({ allowPrivate: true }, seams)
    const stop = new AbortController()
    const reason = new InterruptedError('stopping')

    const download = fetchInput(downloader, 'http://pictures.example/1.png', {
      signal: stop.signal,
    })
    setTimeout(() => stop.abort(reason), 20)

    await expect(download).rejects.toBe(reason)
  })

  test.each(stuck)('a download that hangs in %s ends at its deadline', async (_, seams) => {
    const { downloader } = open({ allowPrivate: true, timeoutMs: 50 }, seams)

    await expect(fetchInput(downloader, 'http://pictures.example/1.png')).rejects.toMatchObject({
      code: 'input_unavailable',
      message: expect.stringContaining('more than 50 ms'),
    })
  })

  test('a name that is not resolved in time costs one try, not the result', async () => {
    const { port } = await serve((_, response) => response.end(BYTES))
    const answers = [forEver(), Promise.resolve(['127.0.0.1'])]
    const { downloader, sunk } = open(
      { allowPrivate: true },
      { resolve: () => answers.shift() ?? forEver(), lookupTimeoutMs: 50 },
    )

    await fetchResult(downloader, `http://pictures.example:${port}/1.png`)

    expect(sunk()).toEqual(BYTES)
  })
})

/** Opens a downloader for this test, and what its sink has got so far. */
const sinks = new WeakMap<Downloader, Uint8Array[]>()

function open(
  options: Partial<Parameters<Open>[0]>,
  seams: Parameters<Open>[1] = {},
): { downloader: Downloader; sunk: () => Buffer } {
  const downloader = openDownloader(
    { allowPrivate: false, timeoutMs: 10_000, ...options },
    { backoff: { backoffMs: 1, backoffMaxMs: 4 }, ...seams },
  )
  const chunks: Uint8Array[] = []
  sinks.set(downloader, chunks)
  onTestFinished(() => downloader[Symbol.asyncDispose]())
  return { downloader, sunk: () => Buffer.concat(chunks) }
}

type Options = Partial<Parameters<Downloader['download']>[1]>

function fetchAs(purpose: 'input' | 'result') {
  return (downloader: Downloader, url: string, options: Options = {}) =>
    downloader.download(url, {
      bytesMax: 1_000_000,
      signal: NEVER,
      sink: async (chunk) => void sinks.get(downloader)?.push(chunk),
      purpose,
      ...options,
    })
}

const fetchInput = fetchAs('input')
const fetchResult = fetchAs('result')

function refuseToDial(dialled: string[]) {
  return async (address: string) => {
    dialled.push(address)
    throw new Error('tests dial nobody')
  }
}

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => unknown) {
  let requestCount = 0
  const server = createServer((request, response) => {
    requestCount += 1
    response.on('error', () => undefined)
    answer(request, response)
  })
  const port = await listen(server)
  onTestFinished(() => server.closeAllConnections())
  return { port, origin: `http://127.0.0.1:${port}`, requestCount: () => requestCount }
}

/** Listens on loopback and counts who comes; takes the first bytes of whoever does. */
async function openCanary() {
  let connectionCount = 0
  const chunks: Buffer[] = []
  const server = createTcpServer((socket) => {
    connectionCount += 1
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      socket.destroy()
    })
  })
  const port = await listen(server)
  return {
    port,
    connectionCount: () => connectionCount,
    /** Everything that came, after whoever is connected has gone. */
    received: async () => {
      await new Promise((done) => server.close(done))
      return Buffer.concat(chunks).toString('latin1')
    },
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return String((server.address() as AddressInfo).port)
}
