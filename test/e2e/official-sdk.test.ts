/** The official SDK as an independent client: what it makes of the emulator's answers is the judge. */
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
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
import type { ImageGenerateParamsNonStreaming, ImagesResponse } from 'openai/resources/images'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { startEmulator } from '../../src/emulator/server.ts'
import {
  BLUE,
  connect,
  decode,
  errorOf,
  type Look,
  photo,
  pixelsOf,
  RED,
  withFault,
} from './sdk-pictures.ts'

type ErrorClass = new (...args: never[]) => APIError

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

  test('shows the markup that was drawn on its picture', async () => {
    await using emulator = await startEmulator()
    const edit = async (model: string) =>
      connect(emulator).images.edit({
        model,
        prompt: 'move it to the right',
        image: await photo(96, 64),
        markup: await photo(96, 64, { colour: RED, hole: true }),
        size: '1024x1024',
        quality: 'low',
      })

    const at = await pixelsOf(await edit('gpt-image-2.5-flare'))

    expect(at(700, 300)).toEqual(RED)
    expect(at(200, 300)).not.toEqual(RED)
    const error = await errorOf(edit('gpt-image-2'), BadRequestError)
    expect(error).toMatchObject({ code: 'unknown_parameter', param: 'markup' })
  })

  test('named in JSON shows the same as one that is uploaded', async () => {
    await using emulator = await startEmulator()
    const client = connect(emulator)
    const [image, mask] = [await photo(96, 64), await photo(96, 64, { hole: true })]
    const call = {
      model: 'gpt-image-2',
      prompt: 'green',
      size: '1024x1024',
      quality: 'low',
    } as const
    const [imageFile, maskUrl] = [
      await client.files.create({ file: image, purpose: 'vision' }),
      `data:image/png;base64,${Buffer.from(await mask.arrayBuffer()).toString('base64')}`,
    ]

    const uploaded = await client.images.edit({ ...call, image, mask })
    const named = await client.post<ImagesResponse>('/images/edits', {
      body: { ...call, images: [{ file_id: imageFile.id }], mask: { image_url: maskUrl } },
    })

    const [first, second] = [await pixelsOf(uploaded), await pixelsOf(named)]
    for (const x of [10, 200, 500, 700]) expect(second(x, 300)).toEqual(first(x, 300))
    expect(named.usage).toEqual(uploaded.usage)
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

describe('a file format of the newest models', () => {
  const draw = async (more: Partial<ImageGenerateParamsNonStreaming>) => {
    await using emulator = await startEmulator()
    const call = { model: 'gpt-image-2.6-flare', prompt: 'a red mug', size: '1024x1024' } as const
    return await connect(emulator).images.generate({ ...call, quality: 'low', ...more })
  }

  test('gif is an animation with its frames and their duration', async () => {
    const answer = await draw({ output_format: 'gif', frame_count: 4, frame_duration_ms: 150 })

    const bytes = Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64')
    expect(answer.output_format).toBe('gif')
    expect(await sharp(bytes, { animated: true }).metadata()).toMatchObject({
      format: 'gif',
      pages: 4,
      pageHeight: 1024,
      delay: [150, 150, 150, 150],
    })
  })

  test('svg is a document, and has a usage of its own', async () => {
    const answer = await draw({ output_format: 'svg', svg: { model: 'an-author' } })

    expect(await decode(answer.data?.[0]?.b64_json)).toEqual({
      format: 'svg',
      width: 1024,
      height: 1024,
    })
    expect(answer.svg_usage).toMatchObject({ model: 'an-author' })
    expect(answer.usage?.output_tokens).toBeGreaterThan(0)
  })
})

test('files are uploaded, read, listed and deleted', async () => {
  await using emulator = await startEmulator()
  const { files } = connect(emulator)
  const image = await photo(64, 64)

  const file = await files.create({ file: image, purpose: 'vision' })
  const listed: unknown[] = []
  for await (const other of files.list()) listed.push(other)
  const content = await files.content(file.id)
  const deleted = await files.delete(file.id)

  expect(file).toMatchObject({ object: 'file', purpose: 'vision', filename: 'photo.png' })
  expect(await files.retrieve(file.id).catch((error: unknown) => error)).toBeInstanceOf(
    NotFoundError,
  )
  expect(listed).toEqual([file])
  expect(Buffer.from(await content.arrayBuffer())).toEqual(Buffer.from(await image.arrayBuffer()))
  expect(deleted).toEqual({ id: file.id, object: 'file', deleted: true })
})

test('models are listed with their shutdown date', async () => {
  await using emulator = await startEmulator()
  const listed: string[] = []
  for await (const { id } of connect(emulator).models.list()) listed.push(id)
  expect(listed).toContain('gpt-image-2.6-sunburst')

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

  test.each([
    ['requests', { requestsPerMinute: 1 }],
    ['tokens', { tokensPerMinute: 300 }],
  ] as const)('a limit of %s too, under its own name', async (name, settings) => {
    await using emulator = await startEmulator(settings)
    const client = connect(emulator)
    const call = { model: 'gpt-image-2', prompt: 'a red mug', quality: 'low' } as const
    const { response } = await client.images.generate(call).withResponse()

    const error = await errorOf(client.images.generate(call), RateLimitError)

    expect(response.headers.get(`x-ratelimit-limit-${name}`)).toBe(
      String(Object.values(settings)[0]),
    )
    expect(response.headers.get(`x-ratelimit-reset-${name}`)).toMatch(/^[\dms.]+$/)
    expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: name })
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0)
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

  test.each<[Extract<FaultRule['fault'], { kind: 'known_error' }>['name'], ErrorClass]>([
    ['content_policy_violation', BadRequestError],
    ['safety_in_500', InternalServerError],
    ['not_a_member', AuthenticationError],
    ['ip_not_allowed', AuthenticationError],
    ['organization_not_verified', PermissionDeniedError],
    ['country_not_supported', PermissionDeniedError],
    ['model_not_found', NotFoundError],
    ['request_timeout', APIError],
    ['conflict', ConflictError],
    ['processing_error', InternalServerError],
    ['slow_down', InternalServerError],
  ])('%s is the error of its status', async (name, type) => {
    await using emulator = await withFault({ kind: 'known_error', name })

    const error = await errorOf(connect(emulator).images.generate(mug), type)

    expect(error.constructor).toBe(type)
    expect(error).toMatchObject({ requestID: expect.stringMatching(/^req_/) })
  })

  test('a model that was shut down is a NotFoundError', async () => {
    await using emulator = await startEmulator({ asOf: '2026-11-01' })

    const error = await errorOf(connect(emulator).images.generate(mug), NotFoundError)

    expect(error.message).toContain('deprecated')
  })

  test('an answer that does not come in time is an APIConnectionTimeoutError', async () => {
    await using emulator = await withFault({ kind: 'slow_headers', delayMs: 60_000 })

    const call = connect(emulator).images.generate(mug, { timeout: 100 })

    expect((await errorOf(call, APIConnectionTimeoutError)).message).toMatch(/timed out/i)
  })

  test('a call that is given up is an APIUserAbortError', async () => {
    await using emulator = await withFault({ kind: 'slow_headers', delayMs: 60_000 })
    const signal = AbortSignal.timeout(50)

    const error = await errorOf(
      connect(emulator).images.generate(mug, { signal }),
      APIUserAbortError,
    )

    expect(error.message).toMatch(/aborted/)
  })

  test('a page in the place of an answer is an error without a code', async () => {
    await using emulator = await withFault({ kind: 'html', status: 524 })

    const error = await errorOf(connect(emulator).images.generate(mug), InternalServerError)

    expect(error.code).toBeUndefined()
    expect(error.message).toContain('proxy')
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
