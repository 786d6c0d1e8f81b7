/** The official SDK as an independent client: what it makes of the emulator's answers is the judge. */
import OpenAI, {
  APIConnectionError,
  type APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  InternalServerError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  toFile,
  UnprocessableEntityError,
} from 'openai'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { type Emulator, startEmulator } from '../../src/emulator/server.ts'

const connect = (emulator: Emulator, options: { apiKey?: string; maxRetries?: number } = {}) =>
  new OpenAI({ baseURL: emulator.baseUrl, apiKey: 'sk-test', maxRetries: 0, ...options })

const withFault = (fault: FaultRule['fault'], times = 1) =>
  startEmulator({ faults: [{ times, fault }] })

/** Decodes every pixel: a file that only looks like a picture fails here. */
async function decode(base64: string | undefined) {
  const bytes = Buffer.from(base64 ?? '', 'base64')
  const { info } = await sharp(bytes, { failOn: 'warning' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { format } = await sharp(bytes).metadata()
  return { format, width: info.width, height: info.height }
}

interface Look {
  colour?: { r: number; g: number; b: number }
  /** The left half is fully transparent. */
  hole?: boolean
}

const BLUE = { r: 90, g: 120, b: 200 }
const RED = { r: 200, g: 40, b: 30 }

async function photo(width: number, height: number, { colour = BLUE, hole = false }: Look = {}) {
  const pixel = (x: number) => [colour.r, colour.g, colour.b, hole && x < width / 2 ? 0 : 255]
  const data = Array.from({ length: width * height }, (_, at) => pixel(at % width)).flat()
  const raw = { width, height, channels: 4 } as const
  const png = sharp(Uint8Array.from(data), { raw }).png()
  return toFile(await png.toBuffer(), 'photo.png', { type: 'image/png' })
}

/** The colours of the answer's first picture, by position. */
async function pixelsOf(answer: OpenAI.ImagesResponse) {
  const bytes = Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64')
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return (x: number, y: number) => {
    const [r, g, b] = data.subarray((y * info.width + x) * 3)
    return { r, g, b }
  }
}

async function errorOf<E extends Error>(call: Promise<unknown>, type: new (...args: never[]) => E) {
  const error = await call.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(type)
  return error as E
}

const mug = { model: 'dall-e-2', prompt: 'a red mug', size: '256x256' } as const

describe('generate', () => {
  test('gives pictures as base64, in the size and format asked for', async () => {
    await using emulator = await startEmulator()

    const answer = await connect(emulator).images.generate({
      model: 'gpt-image-2',
      prompt: 'a red mug',
      n: 2,
      size: '1536x1024',
      quality: 'medium',
      output_format: 'webp',
    })

    expect(answer.data).toHaveLength(2)
    for (const { b64_json } of answer.data ?? []) {
      expect(await decode(b64_json)).toEqual({ format: 'webp', width: 1536, height: 1024 })
    }
    expect(answer).toMatchObject({ quality: 'medium', size: '1536x1024', output_format: 'webp' })
    expect(answer.usage?.output_tokens).toBe(2 * 1_372)
    expect(answer._request_id).toMatch(/^req_/)
  })

  test('gives dall-e pictures as a URL that can be fetched', async () => {
    await using emulator = await startEmulator()

    const answer = await connect(emulator).images.generate({ ...mug, n: 2 })

    for (const { url } of answer.data ?? []) {
      const file = await fetch(url ?? '')
      const base64 = Buffer.from(await file.arrayBuffer()).toString('base64')
      expect(file.headers.get('content-type')).toBe('image/png')
      expect(await decode(base64)).toEqual({ format: 'png', width: 256, height: 256 })
    }
    expect(answer.data).toHaveLength(2)
  })

  test('a URL that has expired answers 403, as a blob store does', async () => {
    await using emulator = await startEmulator({ urlLifetimeMs: 0 })

    const answer = await connect(emulator).images.generate(mug)
    const file = await fetch(answer.data?.[0]?.url ?? '')

    expect(file.status).toBe(403)
    expect(await file.text()).toContain('AuthenticationFailed')
  })
})

describe('edit', () => {
  const edit = async (images: Look[], mask?: Look) => {
    await using emulator = await startEmulator()
    const sized = (look: Look) => photo(96, 64, look)
    return await connect(emulator).images.edit({
      model: 'gpt-image-2',
      prompt: 'make it green',
      image: await Promise.all(images.map(sized)),
      ...(mask === undefined ? {} : { mask: await sized(mask) }),
      size: '1024x1024',
      quality: 'low',
    })
  }

  test('is charged for its prompt and for each picture', async () => {
    const one = await edit([{}])
    const two = await edit([{}, {}])

    // 13 characters make 4 tokens, and 6 more; 96x64 is enlarged to 6x4 patches.
    expect(one.usage?.input_tokens_details).toEqual({ text_tokens: 10, image_tokens: 24 })
    expect(two.usage?.input_tokens_details).toEqual({ text_tokens: 10, image_tokens: 48 })
    expect(two.usage).toMatchObject({
      input_tokens: 58,
      output_tokens: one.usage?.output_tokens,
      total_tokens: 58 + (two.usage?.output_tokens ?? Number.NaN),
    })
  })

  test('changes the picture where the mask is open, and nowhere else', async () => {
    const answer = await edit([{}], { hole: true })

    expect(await decode(answer.data?.[0]?.b64_json)).toEqual({
      format: 'png',
      width: 1024,
      height: 1024,
    })
    const at = await pixelsOf(answer)
    for (const y of [0, 300, 511, 800, 1_023]) {
      for (const x of [513, 700, 1_023]) expect(at(x, y)).toEqual(BLUE)
      expect(at(200, y)).not.toEqual(BLUE)
    }
  })

  test('is of the first picture: their order matters', async () => {
    const [blueFirst, redFirst] = [
      await edit([{ colour: BLUE }, { colour: RED }], { hole: true }),
      await edit([{ colour: RED }, { colour: BLUE }], { hole: true }),
    ]

    expect((await pixelsOf(blueFirst))(700, 300)).toEqual(BLUE)
    expect((await pixelsOf(redFirst))(700, 300)).toEqual(RED)
  })

  test('of a file without a media type is a BadRequestError', async () => {
    await using emulator = await startEmulator()
    const image = await toFile(Buffer.from('x'), 'photo.png')

    const error = await errorOf(
      connect(emulator).images.edit({ model: 'gpt-image-2', prompt: 'x', image }),
      BadRequestError,
    )

    expect(error.message).toContain("unsupported mimetype ('application/octet-stream')")
  })
})

test('variation gives as many pictures as asked for', async () => {
  await using emulator = await startEmulator()

  const answer = await connect(emulator).images.createVariation({
    image: await photo(64, 64),
    n: 2,
    size: '256x256',
    response_format: 'b64_json',
  })

  expect(answer.data).toHaveLength(2)
  for (const { b64_json } of answer.data ?? []) {
    expect(await decode(b64_json)).toEqual({ format: 'png', width: 256, height: 256 })
  }
})

test('models are listed with their shutdown date', async () => {
  await using emulator = await startEmulator()

  const model = await connect(emulator).models.retrieve('gpt-image-1')

  expect(model).toMatchObject({ id: 'gpt-image-1', shutdown_date: '2026-10-23' })
})

describe('errors come out as the right class', () => {
  test('a wrong key is an AuthenticationError', async () => {
    await using emulator = await startEmulator({ apiKey: 'sk-right' })

    const error = await errorOf(connect(emulator).images.generate(mug), AuthenticationError)

    expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' })
  })

  test('a moderation block is a BadRequestError with its details', async () => {
    await using emulator = await withFault({ kind: 'moderation', categories: ['violence'] })

    const error = await errorOf(connect(emulator).images.generate(mug), BadRequestError)

    expect(error).toMatchObject({
      code: 'moderation_blocked',
      type: 'image_generation_user_error',
      error: { moderation_details: { moderation_stage: 'input', categories: ['violence'] } },
    })
    expect(error.message).toContain(error.requestID)
  })

  test('a rate limit is a RateLimitError with its headers', async () => {
    await using emulator = await startEmulator({ imagesPerMinute: 1 })
    const client = connect(emulator)
    await client.images.generate(mug)

    const error = await errorOf(client.images.generate(mug), RateLimitError)

    expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: 'input-images' })
    expect(Number(error.headers.get('retry-after-ms'))).toBeGreaterThan(0)
    expect(error.headers.get('x-ratelimit-limit-input-images')).toBe('1')
  })

  test('an exhausted quota is a RateLimitError by another code', async () => {
    await using emulator = await withFault({ kind: 'quota' })

    const error = await errorOf(connect(emulator).images.generate(mug), RateLimitError)

    expect(error.code).toBe('insufficient_quota')
  })

  test('an unknown model is a NotFoundError', async () => {
    await using emulator = await startEmulator()

    const error = await errorOf(
      connect(emulator).images.generate({ ...mug, model: 'gpt-image-99' }),
      NotFoundError,
    )

    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' })
  })

  test('an organization that is not verified is a PermissionDeniedError', async () => {
    await using emulator = await withFault({ kind: 'error', status: 403, message: 'not verified' })

    const error = await errorOf(connect(emulator).images.generate(mug), PermissionDeniedError)

    expect(error.message).toContain('not verified')
  })

  test.each([500, 502, 503, 504] as const)('a %i is an InternalServerError', async (status) => {
    await using emulator = await withFault({ kind: 'server_error', status })

    const error = await errorOf(connect(emulator).images.generate(mug), InternalServerError)

    expect(error.status).toBe(status)
  })

  test.each([
    [409, ConflictError],
    [422, UnprocessableEntityError],
  ] as const)('a %i is the error of its own class', async (status, type) => {
    await using emulator = await withFault({ kind: 'error', status, message: 'not like this' })

    const error = await errorOf<APIError>(connect(emulator).images.generate(mug), type)

    expect(error.status).toBe(status)
  })

  test('a reset connection is an APIConnectionError', async () => {
    await using emulator = await withFault({ kind: 'reset' })

    const error = await errorOf(connect(emulator).images.generate(mug), APIConnectionError)

    expect(error.status).toBeUndefined()
  })

  test.each(['content-length', 'chunked', 'close'] as const)(
    'a body that is cut (%s) is never taken for an answer',
    async (framing) => {
      await using emulator = await withFault({ kind: 'cut_body', framing })

      // The SDK reads bodies outside its own error handling; `close` only breaks the JSON.
      const error = await errorOf(
        connect(emulator).images.generate(mug),
        framing === 'close' ? SyntaxError : TypeError,
      )

      expect(error.message).toMatch(framing === 'close' ? /JSON/ : /terminated/)
    },
  )

  test('response_format on a GPT model is an unknown parameter', async () => {
    await using emulator = await startEmulator()
    const request = { model: 'gpt-image-2', prompt: 'x', response_format: 'b64_json' } as const

    const error = await errorOf(connect(emulator).images.generate(request), BadRequestError)

    expect(error).toMatchObject({ code: 'unknown_parameter', param: 'response_format' })
  })
})

test('left to retry by itself, the SDK obeys retry-after-ms and then succeeds', async () => {
  await using emulator = await withFault({ kind: 'rate_limit', delayMs: 50 })

  const answer = await connect(emulator, { maxRetries: 2 }).images.generate(mug)

  expect(answer.data).toHaveLength(1)
  expect(emulator.stats()).toMatchObject({ calls: 2, paid: 1, byStatus: { 429: 1, 200: 1 } })
})
