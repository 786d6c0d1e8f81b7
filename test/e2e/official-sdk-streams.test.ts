/** Streams as the official SDK reads them. */
import { APIError, BadRequestError } from 'openai'
import type { ImageEditStreamEvent, ImageGenStreamEvent } from 'openai/resources/images'
import { describe, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { connect, decode, errorOf, photo, withFault } from './sdk-pictures.ts'

const CALL = {
  model: 'gpt-image-2',
  prompt: 'a red mug',
  size: '816x816',
  quality: 'low',
  stream: true,
} as const

async function collect<E>(stream: AsyncIterable<E>): Promise<E[]> {
  const events: E[] = []
  for await (const event of stream) events.push(event)
  return events
}

const typesOf = (events: readonly (ImageGenStreamEvent | ImageEditStreamEvent)[]) =>
  events.map(({ type }) => type)

describe('generate', () => {
  test.each([0, 1, 2, 3])('gives %i partial pictures and the result', async (partial_images) => {
    await using emulator = await startEmulator()

    const events = await collect(
      await connect(emulator).images.generate({ ...CALL, partial_images }),
    )

    expect(typesOf(events)).toEqual([
      ...Array.from({ length: partial_images }, () => 'image_generation.partial_image'),
      'image_generation.completed',
    ])
    for (const { b64_json } of events) {
      expect(await decode(b64_json)).toEqual({ format: 'png', width: 816, height: 816 })
    }
    const partials = events.filter((event) => event.type === 'image_generation.partial_image')
    expect(partials.map((event) => event.partial_image_index)).toEqual([...partials.keys()])
    const last = events.at(-1)
    expect(last).toMatchObject({
      size: '816x816',
      quality: 'low',
      background: 'opaque',
      output_format: 'png',
      usage: { total_tokens: expect.any(Number), input_tokens_details: { image_tokens: 0 } },
    })
  })

  test('gives as many results as asked for', async () => {
    await using emulator = await startEmulator()

    const events = await collect(await connect(emulator).images.generate({ ...CALL, n: 3 }))

    expect(typesOf(events)).toEqual(Array.from({ length: 3 }, () => 'image_generation.completed'))
  })

  test('gives a result of twenty megabytes', async () => {
    await using emulator = await withFault({ kind: 'huge', megabytes: 20 })

    const [event] = await collect(await connect(emulator).images.generate(CALL))

    expect(event?.b64_json.length).toBeGreaterThan(26_666_666)
    expect(await decode(event?.b64_json)).toMatchObject({ width: 816 })
  })
})

test('edit gives partial pictures and the result', async () => {
  await using emulator = await startEmulator()

  const events = await collect(
    await connect(emulator).images.edit({
      ...CALL,
      partial_images: 2,
      image: [await photo(96, 64), await photo(32, 32)],
      mask: await photo(96, 64, { hole: true }),
      output_format: 'webp',
    }),
  )

  expect(typesOf(events)).toEqual([
    'image_edit.partial_image',
    'image_edit.partial_image',
    'image_edit.completed',
  ])
  for (const { b64_json } of events) {
    expect(await decode(b64_json)).toEqual({ format: 'webp', width: 816, height: 816 })
  }
  expect(events.at(-1)).toMatchObject({ usage: { input_tokens_details: { image_tokens: 28 } } })
})

test.each([
  { lineEnd: 'crlf', byteOrderMark: true },
  { lineEnd: 'cr', comments: true },
  { space: false, splitData: true, done: true },
  { eventLines: false, keyOrder: 'alphabetical' },
] as const)('events written with %j are the same events', async (framing) => {
  await using emulator = await withFault({ kind: 'stream_framing', ...framing })

  const events = await collect(
    await connect(emulator).images.generate({ ...CALL, partial_images: 1 }),
  )

  expect(typesOf(events)).toEqual(['image_generation.partial_image', 'image_generation.completed'])
  expect(await decode(events[1]?.b64_json)).toMatchObject({ width: 816 })
})

test('heartbeats are nothing to it', async () => {
  await using emulator = await withFault({ kind: 'stream_heartbeats', intervalMs: 5, forMs: 50 })

  expect(await collect(await connect(emulator).images.generate(CALL))).toHaveLength(1)
})

describe('what goes wrong', () => {
  test.each(['event', 'flat', 'data'] as const)(
    'an error in the stream (%s) is an APIError without a status',
    async (form) => {
      const fault = { form, afterPartials: 1, code: 'moderation_blocked' }
      await using emulator = await withFault({ kind: 'stream_error', ...fault })
      const stream = await connect(emulator).images.generate({ ...CALL, partial_images: 2 })

      const error = await errorOf<APIError>(collect(stream), APIError)

      expect(error).toMatchObject({
        code: 'moderation_blocked',
        requestID: expect.stringMatching(/^req_/),
      })
      expect(error.status).toBeUndefined()
    },
  )

  test('a stream without its completed event just ends', async () => {
    await using emulator = await withFault({ kind: 'empty_data' })

    const events = await collect(
      await connect(emulator).images.generate({ ...CALL, partial_images: 1 }),
    )

    expect(typesOf(events)).toEqual(['image_generation.partial_image'])
  })

  test('a stream that is cut is a broken connection', async () => {
    await using emulator = await withFault({ kind: 'cut_body', framing: 'chunked' })
    const stream = await connect(emulator).images.generate(CALL)

    const error = await errorOf(collect(stream), TypeError)

    expect(error.message).toBe('terminated')
  })

  test.each([
    [{ model: 'dall-e-2' }, 'unknown_parameter'],
    [{ model: 'gpt-image-2.6-flare', output_format: 'gif' }, 'invalid_value'],
    [{ model: 'gpt-image-2.6-flare', output_format: 'svg' }, 'invalid_value'],
  ] as const)('%j can not be streamed', async (more, code) => {
    await using emulator = await startEmulator()
    const { prompt, stream } = CALL

    const error = await errorOf(
      connect(emulator).images.generate({ prompt, stream, ...more }),
      BadRequestError,
    )

    expect(error.code).toBe(code)
  })
})
