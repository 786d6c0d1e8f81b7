/**
 * Answers as no server should send them: mutated bodies of the JSON reader and the stream reader. Whatever comes,
 * reading ends, in a picture that JSON.parse and Buffer would have given too, or in an error of ours; and what
 * passes the last look is a picture. RENDERQ_TEST_FUZZ sets the number of bodies for each reader.
 */
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AnswerBrokenError } from '../../src/images-api/answer-broken.ts'
import { readAnswer } from '../../src/images-api/answer-reader.ts'
import { readStream } from '../../src/images-api/stream-reader.ts'
import { inspectPicture, PictureBrokenError } from '../../src/picture.ts'
import { environment } from '../../src/config.ts'

const BODIES = Number(environment['RENDERQ_TEST_FUZZ'] ?? 3_000)
const SLOW_MS = 1_000

const tally = {
  bodies: 0,
  accepted: 0,
  refused: 0,
  pictures: 0,
  withoutChecksum: 0,
  notPictures: 0,
  splits: 0,
  slowestMs: 0,
}
afterAll(() => {
  process.stdout.write(`fuzz: ${JSON.stringify(tally)}\n`)
})

/** Reproducible: the same numbers in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
type Random = ReturnType<typeof randomFrom>

const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T

/** Bytes that mean something to one of the parsers. */
const TELLING = Array.from('"{}[],:\\\n\r\t /+=AZaz09-_!\x00\x7f\xff')

function mutate(body: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(body)
  for (let count = 1 + random(3); count > 0; count -= 1) {
    const at = random(bytes.length + 1)
    const length = random(pick(random, [2, 10, 200]))
    const [before, taken, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, at + length),
      bytes.subarray(at + length),
    ]
    const telling = Buffer.from(pick(random, TELLING), 'latin1')
    bytes = pick(random, [
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, telling, taken, after]),
      () => Buffer.concat([before, telling, taken.subarray(1), after]),
      () => Buffer.concat([before, taken, taken, after]),
      () => Buffer.concat([before, after, taken]),
      () => flipped(bytes, at, random),
      () => before,
    ])()
  }
  return bytes
}

function flipped(bytes: Buffer, at: number, random: Random): Buffer {
  const copy = Buffer.from(bytes)
  if (at < copy.length) copy.writeUInt8(copy.readUInt8(at) ^ (1 << random(8)), at)
  return copy
}

async function* chunked(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const end of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, end)
    from = end
  }
}

/** The pictures by slot, or undefined when the body is refused. */
type Read = (body: Buffer, cuts: readonly number[]) => Promise<Map<number, Buffer> | undefined>
/** Of the last whole answer: part of it is lost, where the runtime's parser would refuse all of it. */
let isDamaged = false

const reading =
  (read: (chunks: AsyncIterable<Uint8Array>, sinks: Sinks) => Promise<ReadonlySet<number>>): Read =>
  async (body, cuts) => {
    const sinks = new Sinks()
    try {
      const results = await read(chunked(body, cuts), sinks)
      return new Map([...sinks.pictures()].filter(([slot]) => results.has(slot)))
    } catch (error) {
      if (error instanceof AnswerBrokenError) return undefined
      throw error
    }
  }

class Sinks {
  readonly #chunks = new Map<number, Uint8Array[]>()
  readonly open = async (slot: number) => {
    const chunks: Uint8Array[] = []
    this.#chunks.set(slot, chunks)
    return { write: async (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk)) }
  }
  pictures(): Map<number, Buffer> {
    return new Map([...this.#chunks].map(([slot, chunks]) => [slot, Buffer.concat(chunks)]))
  }
}

const LIMITS = { picturesMax: 3, imageBytesMax: 1_000_000 }

const readWhole = reading(async (chunks, sinks) => {
  const answer = await readAnswer(chunks, { ...LIMITS, openPicture: sinks.open })
  const { pictureByteCounts, losses } = answer
  isDamaged = losses.length > 0
  return new Set([...pictureByteCounts].flatMap(([index, count]) => (count > 0 ? [index] : [])))
})

const readEvents = reading(async (chunks, sinks) => {
  const results = new Set<number>()
  for await (const part of readStream(chunks, { ...LIMITS, openPicture: sinks.open })) {
    if (part.kind === 'result') results.add(part.slot)
  }
  return results
})

/** What the runtime's own parser makes of an accepted body. Throws where it refuses the body. */
function expectSameAsRuntime(body: Buffer, pictures: Map<number, Buffer>): void {
  const { data = [] } = JSON.parse(new TextDecoder().decode(body)) as {
    data?: ({ b64_json?: string; url?: string } | null)[]
  }
  for (const [index, bytes] of pictures) {
    const { b64_json, url } = data[index] ?? {}
    const text = (b64_json ?? url ?? '').replace(/^data:[^,]*;base64,/, '')
    expect(bytes.equals(Buffer.from(text, 'base64'))).toBe(true)
  }
}

const originals: Buffer[] = []
let bodies: Buffer[] = []
let streams: Buffer[] = []

beforeAll(async () => {
  const picture = sharp({
    create: { width: 16, height: 16, channels: 3, background: { r: 200, g: 30, b: 90 } },
  })
  originals.push(await picture.clone().png().toBuffer(), await picture.clone().jpeg().toBuffer())
  originals.push(await picture.clone().webp().toBuffer())
  const base64 = originals.map((bytes) => bytes.toString('base64'))
  const usage = { input_tokens: 9, output_tokens: 196, total_tokens: 205 }
  bodies = [
    { created: 1, data: [{ b64_json: base64[0] }], usage },
    { data: [{ revised_prompt: 'a "mug" \\ ünïcode 🎉', b64_json: base64[1] }], usage, created: 1 },
    { data: base64.map((b64_json) => ({ b64_json })), size: '16x16' },
    { data: [{ url: `data:image/png;base64,${base64[0]}` }, { url: 'https://x.example/1.png' }] },
  ].flatMap((body) => [
    Buffer.from(JSON.stringify(body)),
    Buffer.from(JSON.stringify(body, null, 2).replaceAll('/', '\\/')),
  ])
  const event = (type: string, b64_json: string | undefined) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, b64_json, usage, created_at: 1 })}\n\n`
  const whole =
    event('image_edit.partial_image', base64[1]) +
    event('image_edit.completed', base64[0]) +
    event('image_edit.completed', base64[2])
  streams = [
    whole,
    whole.replaceAll('\n', '\r\n'),
    `\uFEFF: ping\n\n${whole.replaceAll(': ', ':')}data: [DONE]\n\n`,
    whole.replaceAll(/event: .*\n/g, ''),
  ].map((text) => Buffer.from(text))
})

describe.each([
  ['a whole answer', readWhole, () => bodies],
  ['a streamed answer', readEvents, () => streams],
] as const)('%s', (kind, read, corpus) => {
  test('is the same wherever it is cut', async () => {
    for (const body of corpus()) {
      const expected = await read(body, [])
      expect(expected?.size).toBeGreaterThan(0)
      for (let cut = 0; cut <= body.length; cut += 1) {
        expect(
          await read(
            body,
            [cut, cut + 1].filter((at) => at <= body.length),
          ),
        ).toEqual(expected)
        tally.splits += 1
      }
      const everywhere = Array.from({ length: body.length }, (_, at) => at)
      expect(await read(body, everywhere)).toEqual(expected)
    }
  }, 60_000)

  test(
    'that was damaged never gives a broken picture, and never hangs',
    async () => {
      const random = randomFrom(kind.length)
      for (let count = 0; count < BODIES; count += 1) {
        const body = mutate(pick(random, corpus()), random)
        const cuts = Array.from({ length: random(6) }, () => random(body.length + 1))
        const beganAt = performance.now()
        const pictures = await read(body, cuts)
        tally.slowestMs = Math.max(tally.slowestMs, Math.round(performance.now() - beganAt))
        tally.bodies += 1
        if (pictures === undefined) {
          tally.refused += 1
          continue
        }
        tally.accepted += 1
        if (read === readWhole && !isDamaged) expectSameAsRuntime(body, pictures)
        for (const bytes of pictures.values()) await judge(bytes)
      }
      expect(tally.slowestMs).toBeLessThan(SLOW_MS)
      expect(tally.accepted).toBeGreaterThan(BODIES / 50)
      expect(tally.refused).toBeGreaterThan(BODIES / 50)
    },
    Math.max(60_000, BODIES * 10),
  )
})

/**
 * PNG carries checksums: one that passes shows what was sent. JPEG and WebP carry none, so of damage inside of
 * their data nobody can tell; they are only counted.
 */
async function judge(bytes: Buffer): Promise<void> {
  let extension: string
  try {
    ;({ extension } = await inspectPicture(bytes))
  } catch (error) {
    expect(error).toBeInstanceOf(PictureBrokenError)
    tally.notPictures += 1
    return
  }
  tally.pictures += 1
  if (originals.some((original) => original.equals(bytes.subarray(0, original.length)))) return
  if (extension !== 'png') {
    tally.withoutChecksum += 1
    return
  }
  // What says nothing about the pixels may be gone without harm.
  const pixels = async (png: Buffer | undefined) => sharp(png).raw().toBuffer()
  expect((await pixels(bytes)).equals(await pixels(originals[0]))).toBe(true)
}
