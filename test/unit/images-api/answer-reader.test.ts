import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnswerBrokenError } from '../../../src/images-api/answer-broken.ts'
import { readAnswer, type Answer } from '../../../src/images-api/answer-reader.ts'

interface Read {
  answer: Answer
  /** Bytes by index, only for the sinks that were opened. */
  pictures: Map<number, Buffer>
}

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const ends = [...new Set([...cuts, bytes.length])].toSorted((a, b) => a - b)
  let from = 0
  for (const end of ends) {
    yield bytes.subarray(from, end)
    from = end
  }
}

async function read(
  body: string | Uint8Array,
  { cuts = [] as readonly number[], picturesMax = 10, imageBytesMax = 1_000_000 } = {},
): Promise<Read> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const pieces = new Map<number, Uint8Array[]>()
  const answer = await readAnswer(inChunks(bytes, cuts), {
    picturesMax,
    imageBytesMax,
    openPicture: async (index) => {
      if (pieces.has(index)) throw new Error(`picture ${index} was opened twice`)
      const chunks: Uint8Array[] = []
      pieces.set(index, chunks)
      return { write: async (chunk) => void chunks.push(Buffer.from(chunk)) }
    },
  })
  const pictures = new Map([...pieces].map(([index, chunks]) => [index, Buffer.concat(chunks)]))
  return { answer, pictures }
}

/** What JSON.parse and Buffer.from make of the same bytes. */
function oracle(bytes: Uint8Array): { json: { data?: unknown[] }; pictures: Map<number, Buffer> } {
  const json = JSON.parse(new TextDecoder().decode(bytes)) as { data?: unknown[] }
  const pictures = new Map<number, Buffer>()
  for (const [index, item] of (json.data ?? []).entries()) {
    const base64 = (item as { b64_json?: unknown } | null)?.b64_json
    if (typeof base64 === 'string' && base64 !== '') {
      const cleaned = base64.replaceAll(/[\r\n]/g, '').replace(/^data:[^,]*;base64,/, '')
      if (cleaned !== '') pictures.set(index, Buffer.from(cleaned, 'base64'))
    }
  }
  return { json, pictures }
}

function expectSameAsOracle({ answer, pictures }: Read, bytes: Uint8Array): void {
  const expected = oracle(bytes)
  expect(pictures).toEqual(expected.pictures)
  const counts = [...answer.pictureByteCounts].filter(([, count]) => count > 0)
  expect(new Map(counts)).toEqual(
    new Map([...expected.pictures].map(([index, picture]) => [index, picture.length])),
  )
  expect(answer.body.data?.length).toBe(expected.json.data?.length)
}

const A = Buffer.from('the first picture, with \xff\xfe\xfd bytes', 'latin1')
const B = Buffer.from('the second one')
const a = A.toString('base64')
const b = B.toString('base64')

describe('pictures', () => {
  test('are decoded by index and everything else is parsed', async () => {
    const { answer, pictures } = await read(
      JSON.stringify({
        created: 1_790_000_000,
        data: [{ b64_json: a }, { b64_json: b, revised_prompt: 'a "mug" ünïcode 🎉' }],
        usage: { input_tokens: 9, output_tokens: 196 },
        size: '1024x1024',
      }),
    )

    expect(pictures).toEqual(new Map([[0, A], [1, B]])) // prettier-ignore
    expect(answer.body).toMatchObject({
      created: 1_790_000_000,
      data: [{ b64_json: '' }, { b64_json: '', revised_prompt: 'a "mug" ünïcode 🎉' }],
      usage: { input_tokens: 9, output_tokens: 196 },
      size: '1024x1024',
    })
  })

  test.each([
    ['slashes escaped as PHP does', JSON.stringify(a).replaceAll('/', '\\/')],
    [
      'letters as \\u escapes',
      `"${Array.from(a, (c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}"`,
    ],
    ['upper-case hex digits', JSON.stringify(a).replaceAll('/', '\\u002F')],
  ])('are decoded with %s', async (_, spelled) => {
    const { pictures } = await read(`{"data":[{"b64_json":${spelled}}]}`)

    expect(pictures.get(0)).toEqual(A)
  })

  test('in a data URL of `url` are decoded as well, wherever the answer is cut', async () => {
    const body = `{"data":[{"url":"data:image/png;base64,${a}"},{"url":"dat"},{"url":"https://x/1"}]}`

    for (let cut = 0; cut <= body.length; cut++) {
      const { answer, pictures } = await read(body, { cuts: [cut] })

      expect(pictures).toEqual(new Map([[0, A]])) // prettier-ignore
      expect(answer.body.data?.map((item) => item?.url)).toEqual(['data:', 'dat', 'https://x/1'])
      expect([...answer.oddities]).toEqual(['as a data URL'])
    }
  })

  test.each([
    ['with line breaks', 'QUJD\\r\\nREVG\\u000a', 'ABCDEF'],
    ['with line breaks', 'QUJDREU=\\n', 'ABCDE'],
    ['without padding', 'QUJDREU', 'ABCDE'],
    ['without padding', 'QUJDRA', 'ABCD'],
    ['as a data URL', 'data:image\\/png;base64,QUJD', 'ABC'],
    ['as a data URL', 'data:;base64,QUI=', 'AB'],
  ])(
    'are decoded when their base64 comes %s, wherever it is cut: %s',
    async (oddity, text, bytes) => {
      const body = `{"data":[{"b64_json":"${text}"}]}`

      for (let cut = 0; cut <= body.length; cut++) {
        const { answer, pictures } = await read(body, { cuts: [cut] })

        expect(pictures.get(0)?.toString()).toBe(bytes)
        expect([...answer.oddities]).toEqual([oddity])
      }
    },
  )

  test('are found under an escaped key', async () => {
    const { pictures } = await read(`{"d\\u0061ta":[{"b64\\u005fjson":"${a}"}]}`)

    expect(pictures.get(0)).toEqual(A)
  })

  test('of several chunks come in order and are never held back beyond a quarter of a megabyte', async () => {
    const picture = Buffer.alloc(1_000_000, 'pixels')
    const written: number[] = []
    const body = Buffer.from(`{"data":[{"b64_json":"${picture.toString('base64')}"}]}`)
    const cuts = Array.from({ length: 7 }, (_, index) => (index + 1) * 150_001)

    await readAnswer(inChunks(body, cuts), {
      picturesMax: 1,
      imageBytesMax: 1_000_000,
      openPicture: async () => ({ write: async (chunk) => void written.push(chunk.length) }),
    })

    expect(written.length).toBeGreaterThanOrEqual(4)
    expect(Math.max(...written)).toBeLessThanOrEqual(262_144)
    expect(written.reduce((sum, count) => sum + count, 0)).toBe(1_000_000)
  })

  test('wait for the sink before more is read', async () => {
    let isWriting = false
    const body = Buffer.from(`{"data":[{"b64_json":"${'AAAA'.repeat(100)}"}]}`)
    async function* chunks() {
      for await (const chunk of inChunks(body, [50, 100, 150, 200])) {
        expect(isWriting).toBe(false)
        yield chunk
      }
    }

    await readAnswer(chunks(), {
      picturesMax: 1,
      imageBytesMax: 1_000,
      openPicture: async () => ({
        write: async () => {
          isWriting = true
          await new Promise((resolve) => setImmediate(resolve))
          isWriting = false
        },
      }),
    })
  })

  test('beyond those asked for are checked and dropped', async () => {
    const body = JSON.stringify({ data: [{ b64_json: a }, { b64_json: b }] })

    const { answer, pictures } = await read(body, { picturesMax: 1 })

    expect(pictures).toEqual(new Map([[0, A]]))
    expect(answer.body.data).toHaveLength(2)
    const damaged = await read(body.replace(b, '?'), { picturesMax: 1 })
    expect(damaged.answer.losses.join()).toContain('picture 2 is unusable: bad base64')
  })

  test('that are empty, null or elsewhere are no pictures', async () => {
    const { answer, pictures } = await read(
      JSON.stringify({
        b64_json: a,
        other: { data: [{ b64_json: a }] },
        data: [
          { b64_json: '', url: 'https://x/1.png' },
          { b64_json: null, nested: { b64_json: a }, list: [{ b64_json: b }] },
          { url: 'https://x/3.png' },
        ],
      }),
    )

    expect(pictures.size).toBe(0)
    expect(answer.body.data?.map((item) => item?.url)).toEqual([
      'https://x/1.png',
      undefined,
      'https://x/3.png',
    ])
  })

  test('odd values beside the pictures cost no picture', async () => {
    const { answer, pictures } = await read(
      `{"created":"soon","usage":7,"size":{},"data":[{"b64_json":"${a}","revised_prompt":5}]}`,
    )

    expect(pictures.get(0)).toEqual(A)
    expect(answer.body).toMatchObject({ created: undefined, usage: undefined, size: undefined })
  })

  test('behind a byte order mark are read', async () => {
    const { pictures } = await read(`\uFEFF {"data":[{"b64_json":"${a}"}]}\n`)

    expect(pictures.get(0)).toEqual(A)
  })
})

describe('a broken answer', () => {
  const whole = `{"data":[{"b64_json":"${a}"},{"b64_json":"${b}"}],"usage":{"input_tokens":1}}`

  test('cut at any place is an error that says so, unless a picture had come whole', async () => {
    const firstEnds = whole.indexOf('"', whole.indexOf('b64_json":"') + 'b64_json":"'.length)
    for (let length = 1; length < whole.length; length++) {
      if (length > firstEnds) {
        const { answer, pictures } = await read(whole.slice(0, length))
        expect(answer.losses.join()).toContain('the answer broke off')
        expect(pictures.get(0)?.length).toBeGreaterThan(0)
        continue
      }
      await expect(read(whole.slice(0, length))).rejects.toMatchObject({
        name: 'AnswerBrokenError',
        isCut: true,
        message: 'the body ends before its final brace',
      })
    }
  })

  test.each([
    ['not a JSON object: begins with "<html><head><title>502"', '<html><head><title>502'],
    ['not a JSON object: begins with "[1]"', ' [1]'],
    ['not a JSON object: begins with "event: image"', 'event: image'],
    ['the body ends before its final brace', ''],
    ['the body is not valid JSON', whole + 'x'],
    ['the body is not valid JSON', '{"data":[{"b64_json" "AAAA"}]}'],
    ['the body is not valid JSON', '{"data":[}]'],
    ['the body has another shape', '{"data":{"0":{"b64_json":"AAAA"}}}'],
    ['the body has another shape', '{"data":[{"b64_json":5}]}'],
    ['the body repeats its keys', `{"data":[{"b64_json":"${a}","b64_json":"${b}"}]}`],
    ['the body repeats its keys', `{"data":[{"b64_json":"${a}"}],"data":[{"b64_json":"${b}"}]}`],
    ['the body repeats its keys', `{"data":[{"b64_json":"${a}"}],"data":[]}`],
    ['the body repeats its keys', `{"data":[{"b64_json":"${a}"}],"data":[{"b64_json":null}]}`],
    ['nested too deeply', `{"a":${'['.repeat(200)}`],
  ])('%s', async (message, body) => {
    await expect(read(body)).rejects.toThrow(message)
    await expect(read(body)).rejects.toBeInstanceOf(AnswerBrokenError)
  })

  test.each([
    ['a blank', 'QUJD REVG'],
    ['a tab', 'QUJD\\tREVG'],
    ['a line end that is not escaped', 'QUJD\nREVG'],
    ['an escaped backslash before an n', 'QUJD\\\\nREV'],
    ['the URL alphabet', 'QUJD-_-_'],
    ['padding in the middle', 'QUI=QUJD'],
    ['too much padding', 'Q==='],
    ['half its padding', 'QUI=QQ='],
    ['one letter too many', 'QUJDR'],
    ['a data URL of text', 'data:text/plain,QUJD'],
    ['a data URL inside', 'QUJDdata:image/png;base64,QUJD'],
    ['an endless data URL', `data:${'x'.repeat(200)};base64,QUJD`],
    ['a data URL that ends early', 'data:image/png'],
    ['an escaped quote', 'QUJD\\"REVG'],
    ['an escaped backslash before a slash', 'QUJD\\\\/REVG'],
    ['a backslash spelled as an escape', 'QUJD\\u005c/REVG'],
    ['letters beyond ASCII', 'QUJDäöü!'],
    ['a wide letter spelled as an escape', 'QUJD\\u0141\\u0141\\u0141\\u0141'],
    ['a null byte', 'QUJD\\u0000\\u0000\\u0000\\u0000'],
  ])('base64 with %s is refused wherever it is cut', async (_, text) => {
    const body = `{"data":[{"b64_json":"${text}"}]}`
    const { length } = Buffer.from(body)

    for (let cut = 0; cut <= length; cut++) {
      await expect(read(body, { cuts: [cut] })).rejects.toThrow(/^bad base64: /)
    }
  })

  test('a picture above the limit is refused as soon as it passes it', async () => {
    const picture = Buffer.alloc(1_000).toString('base64')
    const body = `{"data":[{"b64_json":"${picture}"}]}`

    await expect(read(body, { imageBytesMax: 999, cuts: [700] })).rejects.toThrow(
      'picture 0 has more than 999 bytes',
    )
    await read(body, { imageBytesMax: 1_000, cuts: [700] })
  })

  test('more than a megabyte beside the pictures is refused, blanks included', async () => {
    const prompt = 'x'.repeat(1_100_000)

    await expect(read(JSON.stringify({ data: [], prompt }))).rejects.toThrow(
      'more than 1048576 bytes beside the pictures',
    )
    await expect(read(' '.repeat(1_100_000) + '{}')).rejects.toThrow('beside the pictures')
  })

  test('a body that never ends is refused', async () => {
    const picture = Buffer.from(`{"b64_json":"${'A'.repeat(4_000)}"},`)
    let served = 0
    async function* endless() {
      yield Buffer.from('{"data":[')
      for (;;) {
        served += picture.length
        yield picture
      }
    }

    await expect(
      readAnswer(endless(), {
        picturesMax: 1,
        imageBytesMax: 3_000,
        openPicture: async () => ({ write: async () => {} }),
      }),
    ).rejects.toThrow('larger than all its pictures may be')
    expect(served).toBeLessThan(1_100_000)
  })

  test('what a sink throws goes through as it is, and the source is closed', async () => {
    const full = new Error('ENOSPC')
    let isClosed = false
    async function* source() {
      try {
        yield Buffer.from(whole)
        yield Buffer.from('more')
      } finally {
        isClosed = true
      }
    }

    await expect(
      readAnswer(source(), {
        picturesMax: 2,
        imageBytesMax: 1_000,
        openPicture: async () => ({
          write: async () => {
            throw full
          },
        }),
      }),
    ).rejects.toBe(full)
    expect(isClosed).toBe(true)
  })
})

/** Writes JSON with blanks and escapes as no serializer of ours would. */
function spell(value: unknown, next: () => number): string {
  const blank = (): string => ' \t\r\n'.slice(0, next() % 5).repeat(next() % 2)
  const around = (text: string): string => blank() + text + blank()
  if (typeof value === 'string') return around(spellString(value, next))
  if (Array.isArray(value)) {
    return around(`[${value.map((item) => spell(item, next)).join(',') || blank()}]`)
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([key, item]) => `${around(spellString(key, next))}:${spell(item, next)}`,
    )
    return around(`{${members.join(',') || blank()}}`)
  }
  return around(JSON.stringify(value))
}

function spellString(text: string, next: () => number): string {
  const style = next() % 4
  if (style === 0) return JSON.stringify(text)
  if (style === 1) return JSON.stringify(text).replaceAll('/', '\\/')
  const unit = (char: string): string =>
    next() % 5 === 0 || /["\\\p{Cc}\p{Cs}]/u.test(char)
      ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
      : char
  return `"${Array.from(text, (char) => (char.length === 1 ? unit(char) : char)).join('')}"`
}

/** A small pseudo-random sequence, so that one number of fast-check decides a whole spelling. */
function sequence(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state >>> 3
  }
}

const base64 = fc
  .oneof(
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 60 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 500, maxLength: 2_000 }) },
  )
  .map((bytes) => Buffer.from(bytes).toString('base64'))
/** As servers do write it that know no better. */
const oddBase64 = fc
  .tuple(base64, fc.boolean(), fc.constantFrom('', '\n', '\r\n'), fc.boolean())
  .map(([text, isDataUrl, lineEnd, isPadded]) => {
    const body = isPadded ? text : text.replaceAll('=', '')
    return (isDataUrl ? 'data:image/png;base64,' : '') + body.replaceAll(/(.{76})/g, `$1${lineEnd}`)
  })
const anything = fc.jsonValue({ maxDepth: 3 })
const decoy = fc.oneof(
  anything,
  base64.map((text) => ({ b64_json: text })),
  base64.map((text) => ({ data: [{ b64_json: text }, 'b64_json'] })),
  base64.map((text) => [[{ b64_json: text }]]),
)
const words = fc.oneof(
  fc.constant(null),
  fc.string({ unit: 'binary' }),
  fc.constant('"data":[{"b64_json":"'),
)
const item = fc.record(
  {
    extra: decoy,
    b64_json: fc.oneof(
      { weight: 4, arbitrary: base64 },
      { weight: 2, arbitrary: oddBase64 },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
    revised_prompt: words,
    url: words,
  },
  { requiredKeys: [] },
)
const shuffled = <T extends object>(object: T, seed: number): T => {
  const next = sequence(seed)
  const entries = Object.entries(object).map(([key, value]) => ({ key, value, order: next() }))
  return Object.fromEntries(
    entries.toSorted((x, y) => x.order - y.order).map(({ key, value }) => [key, value as unknown]),
  ) as T
}
const answers = fc
  .tuple(
    fc.record(
      {
        created: fc.nat(),
        before: decoy,
        data: fc.array(fc.tuple(item, fc.nat()), { maxLength: 4 }),
        // The one key that zod drops, and rightly.
        usage: fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          anything,
          { noNullPrototype: true },
        ),
        size: fc.string(),
        b64_json: base64,
      },
      { requiredKeys: ['data'] },
    ),
    fc.nat(),
  )
  .map(([{ data, ...rest }, seed]) =>
    Buffer.from(
      spell(
        shuffled({ ...rest, data: data.map(([value, order]) => shuffled(value, order)) }, seed),
        sequence(seed),
      ),
    ),
  )
const cuts = (body: Buffer): fc.Arbitrary<number[]> =>
  fc.oneof(
    fc.array(fc.nat(body.length), { maxLength: 12 }),
    fc.constant(Array.from(body, (_, index) => index)),
  )
const cutAnswers = answers.chain((body) => fc.tuple(fc.constant(body), cuts(body)))

describe('compared with JSON.parse and Buffer.from', () => {
  test('any answer, spelled and cut in any way, gives the same', async () => {
    await fc.assert(
      fc.asyncProperty(cutAnswers, async ([body, places]) => {
        const result = await read(body, { cuts: places })

        expectSameAsOracle(result, body)
        const { json } = oracle(body)
        const withoutPictures = JSON.parse(JSON.stringify(json)) as Record<string, unknown>
        expect(result.answer.body.usage).toEqual(withoutPictures['usage'])
        expect(result.answer.body.data?.map((entry) => entry?.revised_prompt)).toEqual(
          (withoutPictures['data'] as Record<string, unknown>[]).map(
            (entry) => entry['revised_prompt'],
          ),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('a damaged answer is refused or gives the same, never a crash or another picture', async () => {
    const letters = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"\\/u{}[],:=-_ ')))
    const damaged = cutAnswers.chain(([body, places]) =>
      fc.tuple(
        fc.constant(body),
        fc.constant(places),
        fc.array(fc.tuple(fc.nat(Math.max(0, body.length - 1)), letters), {
          minLength: 1,
          maxLength: 3,
        }),
      ),
    )
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(damaged, async ([body, places, changes]) => {
        const bytes = Buffer.from(body)
        for (const [at, letter] of changes) bytes[at] = letter
        const result = await read(bytes, { cuts: places }).catch((error: unknown) => error)
        if (result instanceof AnswerBrokenError) return
        if (result instanceof Error) throw result
        accepted += 1
        // What is lost there is compared elsewhere.
        if ((result as Read).answer.losses.length === 0) expectSameAsOracle(result as Read, bytes)
      }),
      { numRuns: 1_000 },
    )
    // Otherwise this would only show that damage is refused.
    expect(accepted).toBeGreaterThan(50)
  })

  test('every way to cut a small answer in three gives the same', async () => {
    const body = Buffer.from(
      `{"data":[{"b64_json":"QUJD\\/+8\\u003d","url":"é"},{"b64_json":""}],"x":{"b64_json":"A"}}`,
    )
    for (let first = 0; first <= body.length; first++) {
      for (let second = first; second <= body.length; second++) {
        const { pictures } = await read(body, { cuts: [first, second] })
        expect(pictures.get(0)?.toString('latin1')).toBe('ABC\xff\xef')
      }
    }
  })
})
