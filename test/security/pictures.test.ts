/** Pictures made to harm: floods of pixels, bombs, lies and damage meet bounds before anything is decoded. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { brotliCompressSync, crc32, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { inspectPicture, PictureBrokenError, type PictureFacts } from '../../src/picture.ts'
import { InputPictures } from '../../src/producer/input-pictures.ts'
import { openDownloader } from '../../src/worker/download.ts'
import { tempDir } from '../helpers/temp.ts'
import { BREAKS, samplePictures, type Sample } from './broken-pictures.ts'
import { randomOf } from './hostile-names.ts'

const ROUNDS = process.env['RENDERQ_TEST_LONG'] === '1' ? 1_000 : 40
/** Far above what any of them takes, so that a busy machine does not fail; a hang does. */
const CASE_MS_MAX = 1_000

let samples: Sample[]

beforeAll(async () => {
  samples = await samplePictures()
})

const sampleOf = (name: string): Buffer => {
  const sample = samples.find((candidate) => candidate.name === name)
  return Buffer.from(sample?.bytes ?? expect.fail(`there is no sample ${name}`))
}

/** A whole picture whose header claims another size. */
const CLAIMS = {
  png: (width: number, height: number) => {
    const bytes = sampleOf('png')
    bytes.writeUInt32BE(width, 16)
    bytes.writeUInt32BE(height, 20)
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
    return bytes
  },
  jpeg: (width: number, height: number) => claimedByJpeg(sampleOf('jpeg'), width, height),
  'progressive jpeg': (width: number, height: number) =>
    claimedByJpeg(sampleOf('jpeg progressive'), width, height),
  webp: (width: number, height: number) => {
    const bytes = sampleOf('webp')
    bytes.writeUInt16LE(width, 26)
    bytes.writeUInt16LE(height, 28)
    return bytes
  },
  'lossless webp': (width: number, height: number) => {
    const bytes = sampleOf('webp lossless')
    bytes.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 21)
    return bytes
  },
  'animated webp': (width: number, height: number) => {
    const bytes = sampleOf('webp animated')
    bytes.writeUIntLE(width - 1, 24, 3)
    bytes.writeUIntLE(height - 1, 27, 3)
    return bytes
  },
  gif: (width: number, height: number) => {
    const bytes = sampleOf('gif')
    bytes.writeUInt16LE(width, 6)
    bytes.writeUInt16LE(height, 8)
    return bytes
  },
  'frame of a gif': (width: number, height: number) => {
    const bytes = sampleOf('gif')
    const frameAt = bytes.indexOf(Buffer.from([0x2c, 0, 0, 0, 0, 48, 0, 36, 0]))
    bytes.writeUInt16LE(width, frameAt + 5)
    bytes.writeUInt16LE(height, frameAt + 7)
    return bytes
  },
  svg: (width: number, height: number) =>
    Buffer.from(`<svg width="${width}" height="${height}"></svg>`),
  'svg by its box': (width: number, height: number) =>
    Buffer.from(`<svg viewBox="0 0 ${width} ${height}"></svg>`),
} as const

function claimedByJpeg(bytes: Buffer, width: number, height: number): Buffer {
  const frameAt = Math.max(bytes.indexOf('ffc0', 'hex'), bytes.indexOf('ffc2', 'hex'))
  bytes.writeUInt16BE(height, frameAt + 5)
  bytes.writeUInt16BE(width, frameAt + 7)
  return bytes
}

describe('floods of pixels', () => {
  const floods: [keyof typeof CLAIMS, number, number][] = [
    ['png', 100_000, 100_000],
    ['png', 0x7f_ff_ff_ff, 0x7f_ff_ff_ff],
    ['png', 0x7f_ff_ff_ff, 1],
    ['png', 8_192, 8_193],
    ['jpeg', 65_535, 65_535],
    ['jpeg', 65_535, 1_025],
    ['progressive jpeg', 65_500, 65_500],
    ['webp', 16_383, 16_383],
    ['lossless webp', 16_384, 16_384],
    ['animated webp', 100_000, 100_000],
    ['animated webp', 16_777_216, 16_777_216],
    ['gif', 65_535, 65_535],
    ['frame of a gif', 65_535, 65_535],
    ['svg', 100_000, 100_000],
    ['svg', Number.MAX_SAFE_INTEGER, 1],
    ['svg by its box', 100_000, 100_000],
  ]

  test.each(floods)('a %s that claims %i x %i is too large', async (kind, width, height) => {
    await using dir = await tempDir()
    const bytes = CLAIMS[kind](width, height)
    await writeFile(dir.join('flood.png'), bytes)
    const message = `too large: ${width}x${height} is more than 67,108,864 pixels`

    await expect(inspectPicture(bytes)).rejects.toThrow(message)
    await expect(inspectPicture({ file: dir.join('flood.png') })).rejects.toThrow(message)
    expect(await new InputPictures(dir.path, [dir.path]).find('flood.png')).toEqual({
      kind: 'problem',
      message: `can't be used: ${message}`,
    })
  })

  test('a size beyond all numbers is too large as well', async () => {
    const many = '9'.repeat(1_000)

    for (const size of [`width="${many}" height="1"`, `viewBox="0 0 1 ${many}"`]) {
      await expect(inspectPicture(Buffer.from(`<svg ${size}></svg>`))).rejects.toThrow('too large')
    }
  })

  test('a JPEG that claims two sizes is refused, whichever comes first', async () => {
    const bytes = sampleOf('jpeg')
    const frameAt = bytes.indexOf('ffc0', 'hex')
    const frame = bytes.subarray(frameAt, frameAt + 2 + bytes.readUInt16BE(frameAt + 2))
    const flood = Buffer.from(frame)
    flood.writeUInt32BE(0xff_ff_ff_ff, 5)
    for (const frames of [
      [flood, frame],
      [frame, flood],
    ]) {
      const after = bytes.subarray(frameAt + frame.length)
      const lying = Buffer.concat([bytes.subarray(0, frameAt), ...frames, after])
      await expect(inspectPicture(lying)).rejects.toThrow('damaged: JPEG with two sizes')
    }
  })

  test.each([
    ['the largest result', 3_840, 2_160],
    ['the largest result, upright', 2_160, 3_840],
    ['a photo of 24 MP', 6_000, 4_000],
    ['a photo of 50 MP', 8_688, 5_792],
    ['a photo of 61 MP', 9_504, 6_336],
    ['a photo of 64 MP', 9_280, 6_944],
    ['a panorama', 30_000, 2_000],
  ])('%s is none', async (_, width, height) => {
    for (const kind of ['png', 'jpeg'] as const) {
      expect(await inspectPicture(CLAIMS[kind](width, height))).toMatchObject({ width, height })
    }
  })
})

test.each([
  [
    'numbers without end in an SVG',
    `<svg viewBox="0 0 ${'1'.repeat(2_000)} ${'1'.repeat(2_000)}x">`,
  ],
  ['dots and digits in an SVG', `<svg viewBox="0 0 ${'1.'.repeat(1_000)} ${'1.'.repeat(1_000)}x">`],
  ['signs in an SVG', `<svg viewBox="${'-1.'.repeat(600)}${' ,'.repeat(600)}${'-'.repeat(600)}">`],
  ['widths without a height', `<svg ${' width="1"'.repeat(400)}>`],
  ['spaces before an SVG', `${' '.repeat(4_000)}<?xml?><svg >`],
  ['declarations without end', `<?xml ${'?'.repeat(4_000)}>`],
])('%s take no time', async (_, head) => {
  const startedAt = performance.now()

  await expect(inspectPicture(Buffer.from(`${head}</svg>`))).rejects.toThrow(PictureBrokenError)

  expect(performance.now() - startedAt).toBeLessThan(CASE_MS_MAX)
})

describe('bombs', () => {
  const zeros = Buffer.alloc(5_000_000)

  test('what a picture would unfold to costs nothing: it is not unfolded', async () => {
    const scanlines = deflateSync(Buffer.alloc(64_000_000))
    const bomb = pngOf(8_000, 8_000, scanlines)
    const before = process.memoryUsage().rss

    const facts = await inspectPicture(bomb)

    expect(facts).toMatchObject({ width: 8_000, height: 8_000, byteCount: bomb.length })
    expect(bomb.length).toBeLessThan(100_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000)
  })

  const encodings: [string, Buffer][] = [
    ['gzip', gzipSync(zeros)],
    ['GZIP', gzipSync(zeros)],
    ['x-gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['deflate', deflateRawSync(zeros)],
    ['br', brotliCompressSync(zeros)],
    ['zstd', Buffer.from('28b52ffd', 'hex')],
    ['compress', Buffer.alloc(100)],
    ['gzip, gzip', gzipSync(gzipSync(zeros))],
    ['identity, gzip', gzipSync(zeros)],
    ['gzip, identity', gzipSync(zeros)],
    ['nothing-known', Buffer.alloc(100)],
  ]
  test.each(encodings)('a body in %s is refused before its first byte', async (encoding, body) => {
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`
    const { download, received } = await openServer(head, body)

    for (const [purpose, code] of [
      ['input', 'input_unusable'],
      ['result', 'result_refused'],
    ] as const) {
      await expect(download(purpose)).rejects.toMatchObject({
        code,
        message: expect.stringContaining(`it is ${encoding}-encoded`) as string,
      })
    }
    expect(received()).toBe(0)
  })

  test.each([
    ['said to be plain', 'content-type: image/png\r\n'],
    ['only in its transfer', 'transfer-encoding: gzip\r\nconnection: close\r\n'],
    ['in two encodings at once', 'content-encoding: identity\r\ncontent-encoding: gzip\r\n'],
  ])('a body that is packed, %s, is never unpacked', async (_, header) => {
    const body = gzipSync(zeros)
    const { download, received } = await openServer(`HTTP/1.1 200 OK\r\n${header}\r\n`, body)

    for (const purpose of ['input', 'result'] as const) {
      await download(purpose).catch(() => undefined)
    }

    expect(received()).toBeLessThanOrEqual(2 * body.length)
  })

  test('a body without end is cut off at its limit', async () => {
    const { download, received } = await openServer('HTTP/1.1 200 OK\r\n\r\n', zeros)

    await expect(download('input')).rejects.toMatchObject({ code: 'input_unusable' })
    await expect(download('result')).rejects.toMatchObject({ code: 'response_broken' })

    expect(received()).toBeLessThanOrEqual(2 * BODY_BYTES_MAX)
  })
})

test('damage of every kind is judged in time, and a picture cut short is never taken for whole', async () => {
  const seen = { cases: 0, taken: 0, cutAndTaken: 0, undecodable: 0, slowestMs: 0 }
  const misjudged: string[] = []
  for (const { name, how, bytes } of damagedPictures()) {
    const startedAt = performance.now()
    const facts = await verdictOn(bytes)
    seen.slowestMs = Math.max(seen.slowestMs, performance.now() - startedAt)
    seen.cases += 1
    if (facts === undefined) continue
    seen.taken += 1
    if (how === 'cut short') seen.cutAndTaken += 1
    const decoded = await decode(bytes)
    if (decoded.kind === 'refused') seen.undecodable += 1
    const problem = misjudgement(decoded, facts)
    if (problem !== undefined) misjudged.push(`${name}, ${how}: ${problem}`)
  }
  console.log('pictures, damaged:', { ...seen, misjudged: misjudged.length })
  expect(seen.cases).toBe(ROUNDS * samples.length * Object.keys(BREAKS).length)
  expect(seen.taken).toBeGreaterThan(0)
  expect(seen.cutAndTaken).toBe(0)
  expect(misjudged).toEqual([])
  expect(seen.slowestMs).toBeLessThan(CASE_MS_MAX)
}, 600_000)

function* damagedPictures() {
  const random = randomOf(1)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, bytes } of samples) {
      for (const [how, damage] of Object.entries(BREAKS)) {
        yield { name, how, bytes: damage(bytes, random) }
      }
    }
  }
}

/** Undefined when it is refused. Anything but a refusal is a crash, and fails the test. */
async function verdictOn(bytes: Uint8Array): Promise<PictureFacts | undefined> {
  try {
    return await inspectPicture(bytes)
  } catch (error) {
    if (error instanceof PictureBrokenError) return undefined
    throw error
  }
}

type Decoded =
  | { kind: 'decoded'; width: number; height: number }
  | { kind: 'refused'; reason: string }

/** What a decoder makes of it that knows nothing of ours. */
async function decode(bytes: Buffer): Promise<Decoded> {
  try {
    const { info } = await sharp(bytes, { failOn: 'truncated' })
      .raw()
      .toBuffer({ resolveWithObject: true })
    return { kind: 'decoded', width: info.width, height: info.height }
  } catch (error) {
    return { kind: 'refused', reason: (error as Error).message }
  }
}

/** Damaged pixels are only found by decoding them; what is missing, and what is larger than it says, is not. */
function misjudgement(decoded: Decoded, facts: PictureFacts): string | undefined {
  if (decoded.kind === 'refused') {
    const isCut = /premature end of (JPEG image|input)|truncat|out of data/i.test(decoded.reason)
    return isCut ? decoded.reason : undefined
  }
  const isLarger = decoded.width * decoded.height > facts.width * facts.height
  return isLarger ? 'larger than it seemed' : undefined
}

function pngOf(width: number, height: number, scanlines: Buffer): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 0, 0, 0, 0], 8)
  const chunks = [
    ['IHDR', header],
    ['IDAT', scanlines],
    ['IEND', Buffer.alloc(0)],
  ] as const
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, ...chunks.map(([type, data]) => pngChunk(type, data))])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const checked = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(checked))
  return Buffer.concat([length, checked, checksum])
}

const BODY_BYTES_MAX = 1_000_000

/** Answers everything with these very bytes, which no well-behaved server would. */
async function openServer(head: string, body: Buffer) {
  let received = 0
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(Buffer.concat([Buffer.from(head), body])))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bomb.png`
  const downloader = openDownloader(
    { allowPrivate: true, timeoutMs: 500 },
    { backoff: { backoffMs: 100, backoffMaxMs: 100 } },
  )
  onTestFinished(async () => {
    await downloader[Symbol.asyncDispose]()
    server.close()
  })
  const download = async (purpose: 'input' | 'result') => {
    const { signal } = new AbortController()
    const sink = async (chunk: Uint8Array) => void (received += chunk.byteLength)
    return await downloader.download(url, { bytesMax: BODY_BYTES_MAX, signal, sink, purpose })
  }
  return { download, received: () => received }
}
