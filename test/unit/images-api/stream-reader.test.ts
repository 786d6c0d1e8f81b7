import { describe, expect, test } from 'vitest'
import { AnswerBrokenError } from '../../../src/images-api/answer-broken.ts'
import { readStream, type StreamPart } from '../../../src/images-api/stream-reader.ts'

interface Read {
  parts: StreamPart[]
  pictures: Map<number, Buffer>
  inPicture: number
}

async function read(
  text: string,
  { cuts = [] as readonly number[], picturesMax = 1, imageBytesMax = 100_000_000 } = {},
): Promise<Read> {
  const bytes = Buffer.from(text)
  const pieces = new Map<number, Uint8Array[]>()
  const parts: StreamPart[] = []
  let inPicture = 0
  const stream = readStream(chunked(bytes, cuts), {
    picturesMax,
    imageBytesMax,
    openPicture: async (slot) => {
      const chunks: Uint8Array[] = []
      pieces.set(slot, chunks)
      return { write: async (chunk) => void chunks.push(Buffer.from(chunk)) }
    },
    onState: (state) => (inPicture += state === 'picture' ? 1 : 0),
  })
  for await (const part of stream) parts.push(part)
  const pictures = new Map([...pieces].map(([slot, chunks]) => [slot, Buffer.concat(chunks)]))
  return { parts, pictures, inPicture }
}

async function* chunked(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const end of [...cuts, bytes.length]) {
    yield bytes.subarray(from, end)
    from = end
  }
}

const A = Buffer.from('the first partial picture, \xff\xfe', 'latin1')
const B = Buffer.from('the second partial one')
const C = Buffer.from('the picture itself')

const partial = (bytes: Buffer, index: number) => ({
  type: 'image_generation.partial_image',
  b64_json: bytes.toString('base64'),
  partial_image_index: index,
})
const completed = (bytes: Buffer, more: object = {}) => ({
  type: 'image_generation.completed',
  b64_json: bytes.toString('base64'),
  created_at: 1_790_000_000,
  size: '1024x1024',
  usage: { input_tokens: 9, output_tokens: 296, total_tokens: 305 },
  ...more,
})
const event = (body: { type?: string }) =>
  `event: ${body.type ?? ''}\ndata: ${JSON.stringify(body)}\n\n`

const WHOLE = event(partial(A, 0)) + event(partial(B, 1)) + event(completed(C))

const kindsOf = ({ parts }: Read) => parts.map(({ kind }) => kind)

describe('a stream', () => {
  test('gives its partial pictures as previews and the completed one as the result', async () => {
    const { parts, pictures } = await read(WHOLE)

    expect(parts).toMatchObject([
      { kind: 'preview', slot: 0, byteCount: A.length },
      { kind: 'preview', slot: 1, byteCount: B.length },
      {
        kind: 'result',
        slot: 2,
        byteCount: C.length,
        body: { created_at: 1_790_000_000, size: '1024x1024', usage: { total_tokens: 305 } },
      },
    ])
    expect(pictures).toEqual(new Map([[0, A], [1, B], [2, C]])) // prettier-ignore
  })

  test('gives the same wherever it is cut', async () => {
    const expected = await read(WHOLE)

    for (let cut = 0; cut <= WHOLE.length; cut += 1) {
      const { parts, pictures } = await read(WHOLE, { cuts: [cut] })

      expect({ parts, pictures }).toEqual({ parts: expected.parts, pictures: expected.pictures })
    }
    const everywhere = Array.from({ length: WHOLE.length }, (_, at) => at)
    const { parts } = await read(WHOLE, { cuts: everywhere })
    expect(parts).toEqual(expected.parts)
  })

  test.each([
    ['without event lines', WHOLE.replaceAll(/event: .*\n/g, '')],
    ['with CRLF', WHOLE.replaceAll('\n', '\r\n')],
    ['with CR', WHOLE.replaceAll('\n', '\r')],
    ['without blanks', WHOLE.replaceAll(': ', ':')],
    ['with heartbeats', `: ping\n\n${WHOLE.replaceAll('\n\n', '\n\n: ping\n\n')}`],
    ['with heartbeats as events', `event: ping\ndata: {"type":"ping"}\n\ndata: ping\n\n${WHOLE}`],
    ['with [DONE] behind', `${WHOLE}data: [DONE]\n\n`],
    ['without its last blank line', WHOLE.slice(0, -2)],
    ['whose types are told by event lines alone', WHOLE.replaceAll(/"type":"[^"]*",/g, '')],
    ['of an edit', WHOLE.replaceAll('image_generation', 'image_edit')],
    [
      'with its keys in another order',
      WHOLE.replaceAll(/event: .*\n/g, '').replaceAll(
        /\{("type":"[^"]*"),(.*)\}\n/g,
        (_, type: string, rest: string) => `{${rest},${type}}\n`,
      ),
    ],
    ['with data on two lines', WHOLE.replaceAll(',"b64_json"', ',\ndata: "b64_json"')],
  ])('%s means the same', async (_, text) => {
    const result = await read(text)

    expect(kindsOf(result)).toEqual(['preview', 'preview', 'result'])
    expect(result.pictures.get(2)).toEqual(C)
  })

  test('stops at its result, whatever is sent behind it', async () => {
    const late = event(completed(A)) + event(partial(B, 2)) + event({ type: 'error' })

    const result = await read(WHOLE + late)

    expect(kindsOf(result)).toEqual(['preview', 'preview', 'result'])
  })

  test('may give several results', async () => {
    const result = await read(event(completed(A)) + event(partial(B, 0)) + event(completed(C)), {
      picturesMax: 3,
    })

    expect(kindsOf(result)).toEqual(['result', 'preview', 'result'])
  })

  test('that names its result by a URL', async () => {
    const { parts } = await read(
      event({ type: 'image_edit.completed', url: 'https://x.example/1.png' } as object),
    )

    expect(parts).toMatchObject([{ kind: 'result', slot: -1, body: { url: /x.example/ } }])
  })

  test('has one line of 20 MB', async () => {
    const picture = Buffer.alloc(20_000_000, 'a picture of some size')
    const text = event(completed(picture))
    const cuts = Array.from({ length: 400 }, (_, at) => (at + 1) * 65_536).filter(
      (cut) => cut < text.length,
    )

    const { pictures } = await read(text, { cuts })

    expect(pictures.get(0)?.equals(picture)).toBe(true)
  })

  test('says when more of a picture is to be expected', async () => {
    const text = `: ping\n\n${WHOLE}`
    const inside = text.indexOf('b64_json') + 20

    expect((await read(text, { cuts: [5, inside, inside + 5] })).inPicture).toBe(2)
  })
})

describe('a stream that fails', () => {
  test.each([
    ['an error event', 'event: error\ndata: {"code":"x","message":"no"}\n\n', { code: 'x' }],
    [
      'an error in data',
      'data: {"error":{"code":"x","message":"no"}}\n\n',
      { code: 'x', message: 'no' },
    ],
    [
      'an error event around an error',
      'event: error\ndata: {"type":"error","error":{"code":"x"}}\n\n',
      { code: 'x' },
    ],
    [
      'an event that is named so',
      'event: image_generation.failed\ndata: {"message":"no"}\n\n',
      { message: 'no' },
    ],
    [
      'plain words',
      'event: error\ndata: upstream went away\n\n',
      { message: 'upstream went away' },
    ],
  ])('by %s says so behind its previews', async (_, text, error) => {
    const { parts } = await read(event(partial(A, 0)) + text + WHOLE)

    expect(parts).toMatchObject([{ kind: 'preview' }, { kind: 'error', error }])
    expect(parts).toHaveLength(2)
  })

  test.each([
    ['nothing', '', /ended without a picture/],
    ['heartbeats', ': ping\n\n: ping\n\n', /ended without a picture/],
    ['[DONE] alone', 'data: [DONE]\n\n', /ended without a picture/],
    ['[DONE] behind a preview', `${event(partial(A, 0))}data: [DONE]\n\n`, /before its result/],
    ['previews', event(partial(A, 0)), /ended before its result came/],
    ['pictures of an unknown kind', event({ ...partial(A, 0), type: 'image.chunk' }), /before its/],
    ['a result that is cut', event(completed(C)).slice(0, -20), /data ends before its final brace/],
    ['a result without a picture', event({ type: 'image_generation.completed' }), /without a/],
    [
      'bad base64',
      event(completed(C)).replace('dGhl', 'd*hl'),
      /ended without a picture; of one event, bad base64/,
    ],
    ['no JSON', event(completed(C)).replace('"created_at":', 'created_at:'), /not valid JSON/],
  ])('with %s has no result', async (_, text, message) => {
    const reading = read(text)

    await expect(reading).rejects.toBeInstanceOf(AnswerBrokenError)
    await expect(reading).rejects.toMatchObject({
      message: expect.stringMatching(message),
    })
  })

  test('in a partial picture alone keeps the result', async () => {
    const bad = event(partial(A, 0)).replace('dGhl', 'd*hl')

    expect(kindsOf(await read(bad + WHOLE))).toEqual(['preview', 'preview', 'result'])
  })

  test('by a picture that is too large, or by more of them than there can be', async () => {
    await expect(read(WHOLE, { imageBytesMax: 5 })).rejects.toThrow(/more than 5 bytes/)
    const flood = event(partial(A, 0)).repeat(7)
    expect((await read(flood + WHOLE)).pictures.get(9)).toEqual(C)
    await expect(read(flood + flood + WHOLE)).rejects.toThrow(/too many partial pictures/)
    await expect(read(`data: {}\n\n`.repeat(300_000), { imageBytesMax: 1_000 })).rejects.toThrow(
      /larger than all its pictures may be/,
    )
  })

  test('by its sink is the failure of the sink', async () => {
    const stream = readStream(chunked(Buffer.from(WHOLE), []), {
      picturesMax: 1,
      imageBytesMax: 1_000,
      openPicture: () => Promise.reject(new Error('ENOSPC')),
    })

    await expect(stream.next()).rejects.toThrow('ENOSPC')
  })
})
