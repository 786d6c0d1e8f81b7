import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test, vi } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { startEmulator } from '../../../src/emulator/server.ts'
import { asFile, bytesOf, generate, plainPng, sendForm, sendGenerate } from './requests.ts'

const GPT = { model: 'gpt-image-2', size: '1024x1024', response_format: undefined }

describe('the key', () => {
  test('may be any, when none was named', async () => {
    await using emulator = await startEmulator()

    const { status } = await generate(emulator, {}, { authorization: 'Bearer whatever' })

    expect(status).toBe(200)
  })

  test.each(['', 'Bearer', 'Bearer   ', 'Basic dTpw'])(
    'can\'t be missing: "%s"',
    async (authorization) => {
      await using emulator = await startEmulator()

      const { status, body } = await generate(emulator, {}, { authorization })

      expect(status).toBe(401)
      expect(body.error?.message).toMatch(/didn't provide an API key/)
      expect(emulator.stats()).toMatchObject({ calls: 0, byStatus: { 401: 1 } })
    },
  )

  test('must be the one that was named, and a wrong one is not shown whole', async () => {
    await using emulator = await startEmulator({ apiKey: 'sk-right' })

    const wrong = await generate(emulator, {}, { authorization: 'Bearer sk-wrong-0123456789' })
    const right = await generate(emulator, {}, { authorization: 'Bearer sk-right' })

    expect(wrong.status).toBe(401)
    expect(wrong.body.error).toMatchObject({
      code: 'invalid_api_key',
      message: expect.stringContaining('sk-w****6789'),
    })
    expect(right.status).toBe(200)
  })
})

describe('an answer', () => {
  test('of a GPT model says what was resolved and what was charged', async () => {
    await using emulator = await startEmulator()

    const { body } = await generate(emulator, { ...GPT, size: 'auto', safety_identifier: 'abc' })

    expect(body).toMatchObject({
      background: 'opaque',
      output_format: 'png',
      quality: 'low',
      size: '1024x1024',
      usage: { output_tokens: 196, input_tokens_details: { image_tokens: 0 } },
      safety_identifier: 'abc',
    })
    expect(Object.keys(body.data?.[0] ?? {})).toEqual(['b64_json'])
    expect(Math.abs((body.created ?? 0) - Date.now() / 1_000)).toBeLessThan(60)
  })

  test('carries the headers of the API', async () => {
    await using emulator = await startEmulator()

    const { headers } = await generate(emulator)

    expect(headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/)
    expect(headers.get('openai-version')).toBe('2020-10-01')
    expect(headers.get('openai-organization')).toBe('org-emulator')
    for (const family of ['requests', 'tokens', 'input-images']) {
      expect(Number(headers.get(`x-ratelimit-limit-${family}`))).toBeGreaterThan(0)
      expect(headers.get(`x-ratelimit-reset-${family}`)).toMatch(/^\d+ms$/)
    }
  })

  test('with several pictures has different ones, each with the mark of its call', async () => {
    await using emulator = await startEmulator()

    const answer = await generate(emulator, { n: 3 })
    const pixels = await Promise.all(
      [0, 1, 2].map(async (index) =>
        (await sharp(bytesOf(answer, index)).raw().toBuffer()).toString('hex'),
      ),
    )

    expect(new Set(pixels).size).toBe(3)
    const nonce = emulator.paidCalls()[0]?.nonce ?? 'none'
    expect(nonce).toBe(answer.headers.get('x-request-id'))
    for (const index of [0, 1, 2]) expect(bytesOf(answer, index).includes(nonce)).toBe(true)
  })

  test('of dall-e-2 is bare, and of dall-e-3 has a revised prompt', async () => {
    await using emulator = await startEmulator()

    const second = await generate(emulator)
    const third = await generate(emulator, { model: 'dall-e-3', size: '1024x1024' })

    expect(Object.keys(second.body)).toEqual(['created', 'data'])
    expect(third.body.data?.[0]?.revised_prompt).toContain('a red mug')
  })
})

describe('a result URL', () => {
  const byUrl = { response_format: 'url' }

  test('gives the picture, whole or in part, without a key', async () => {
    await using emulator = await startEmulator()
    const { body } = await generate(emulator, byUrl)
    const url = body.data?.[0]?.url ?? ''

    const whole = await fetch(url)
    const bytes = Buffer.from(await whole.arrayBuffer())
    const rest = await fetch(url, { headers: { range: 'bytes=100-' } })

    expect(whole.headers.get('content-type')).toBe('image/png')
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 256 })
    expect(rest.status).toBe(206)
    expect(rest.headers.get('content-range')).toBe(`bytes 100-${bytes.length - 1}/${bytes.length}`)
    expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(100))).toBe(true)
  })

  test.each(['bytes=9999999-', 'bytes=5-2', 'bytes=-5', 'lines=1-2'])(
    'answers the odd range %s with all of it',
    async (range) => {
      await using emulator = await startEmulator()
      const { body } = await generate(emulator, byUrl)

      const response = await fetch(body.data?.[0]?.url ?? '', { headers: { range } })

      expect(response.status).toBe(200)
      expect((await response.arrayBuffer()).byteLength).toBe(
        Number(response.headers.get('content-length')),
      )
    },
  )

  test('expires with a 403 as a blob store sends it', async () => {
    await using emulator = await startEmulator({ urlLifetimeMs: 0 })
    const { body } = await generate(emulator, byUrl)

    const response = await fetch(body.data?.[0]?.url ?? '')

    expect(response.status).toBe(403)
    expect(response.headers.get('content-type')).toBe('application/xml')
    expect(await response.text()).toContain('<Code>AuthenticationFailed</Code>')
  })

  test('can not be made to live longer by its caller', async () => {
    await using emulator = await startEmulator({ urlLifetimeMs: 0 })
    const { body } = await generate(emulator, byUrl)
    const url = new URL(body.data?.[0]?.url ?? '')
    url.searchParams.set('se', '2999-01-01T00:00:00.000Z')

    expect((await fetch(url)).status).toBe(403)
  })
})

describe('an edit', () => {
  test('takes several pictures and a mask', async () => {
    await using emulator = await startEmulator()

    const answer = await sendForm(emulator, 'edits', [
      ['model', 'gpt-image-2'],
      ['prompt', 'make it green'],
      ['size', '1536x1024'],
      ['image[]', asFile(await plainPng(300, 200))],
      ['image[]', asFile(await plainPng(20, 20))],
      ['mask', asFile(await plainPng(300, 200, true))],
    ])

    expect(answer.status).toBe(200)
    expect(await sharp(bytesOf(answer)).metadata()).toMatchObject({ width: 1536, height: 1024 })
    expect(answer.body.usage).toMatchObject({
      input_tokens_details: { image_tokens: 19 * 13 + 2 * 2 },
    })
    expect(emulator.stats().byOperation).toEqual({ generate: 0, edit: 1, variation: 0 })
  })

  test('takes data URLs in JSON', async () => {
    await using emulator = await startEmulator()
    const png = await plainPng(64, 64)
    const image_url = `data:image/png;base64,${png.toString('base64')}`

    const response = await fetch(`${emulator.baseUrl}/images/edits`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-image-2', prompt: 'x', images: [{ image_url }] }),
    })

    expect(response.status).toBe(200)
  })
})

test('a variation differs from its picture and from the next one', async () => {
  await using emulator = await startEmulator()

  const answer = await sendForm(emulator, 'variations', [
    ['n', '2'],
    ['size', '256x256'],
    ['response_format', 'b64_json'],
    ['image', asFile(await plainPng(64, 64))],
  ])

  const [first, second] = await Promise.all(
    [0, 1].map((index) => sharp(bytesOf(answer, index)).raw().toBuffer()),
  )
  expect(answer.status).toBe(200)
  expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false)
})

const get = (url: string) => fetch(url, { headers: { authorization: 'Bearer k' } })

describe('other routes', () => {
  test('list the models with the day they are shut down', async () => {
    await using emulator = await startEmulator()

    const list = (await (await get(`${emulator.baseUrl}/models`)).json()) as { data: unknown[] }
    const one: unknown = await (await get(`${emulator.baseUrl}/models/gpt-image-1`)).json()

    expect(list.data).toHaveLength(15)
    expect(list.data).toContainEqual(one)
    expect(one).toMatchObject({ id: 'gpt-image-1', object: 'model', shutdown_date: '2026-10-23' })
    expect(list.data).toContainEqual(
      expect.objectContaining({ id: 'gpt-image-2', shutdown_date: null }),
    )
  })

  test.each([
    ['GET', '/v1/models/nonsense', 404, 'model_not_found'],
    ['GET', '/v1/models/%E0%A4%A', 404, 'model_not_found'],
    ['GET', '/v1/images/generations', 405, 'method_not_supported'],
    ['POST', '/v1/images', 404, null],
    ['GET', '/', 404, null],
  ])('%s %s answers %i', async (method, path, status, code) => {
    await using emulator = await startEmulator()

    const response = await fetch(new URL(path, emulator.baseUrl), {
      method,
      headers: { authorization: 'Bearer k' },
    })

    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code } })
  })

  test('need a key too', async () => {
    await using emulator = await startEmulator()

    expect((await fetch(`${emulator.baseUrl}/models`)).status).toBe(401)
  })
})

describe('as of a day', () => {
  test('models that are shut down by then are neither listed nor served', async () => {
    await using emulator = await startEmulator({ asOf: '2026-12-01' })
    const ask = async (model: string) => {
      const { status, body } = await generate(emulator, { ...GPT, model })
      const shown = await get(`${emulator.baseUrl}/models/${model}`)
      return { status, shown: shown.status, code: body.error?.code }
    }

    const list = (await (await get(`${emulator.baseUrl}/models`)).json()) as {
      data: { id: string }[]
    }

    expect(await ask('gpt-image-1.5')).toEqual({
      status: 404,
      shown: 404,
      code: 'model_not_found',
    })
    expect(await ask('gpt-image-2')).toEqual({ status: 200, shown: 200, code: undefined })
    expect(list.data.map(({ id }) => id)).not.toContain('gpt-image-1.5')
  })

  test('before, a model is served on its last day', async () => {
    await using emulator = await startEmulator({ asOf: '2026-11-30' })

    expect((await generate(emulator, { ...GPT, model: 'gpt-image-1.5' })).status).toBe(200)
  })

  test('that is no day, it does not start', async () => {
    await expect(startEmulator({ asOf: 'tomorrow' })).rejects.toThrow(ConfigError)
  })
})

describe('the control plane', () => {
  test('adds, uses up and clears faults', async () => {
    await using emulator = await startEmulator()
    const faults = new URL('/_emulator/faults', emulator.baseUrl)
    const rules = [{ times: 1, fault: { kind: 'server_error' } }, { fault: { kind: 'bad_key' } }]

    const added = await fetch(faults, { method: 'POST', body: JSON.stringify(rules) })
    const statuses = [(await generate(emulator)).status, (await generate(emulator)).status]
    await fetch(faults, { method: 'DELETE' })

    expect(added.status).toBe(200)
    expect(statuses).toEqual([500, 401])
    expect((await generate(emulator)).status).toBe(200)
  })

  test.each(['[{"fault":{"kind":"nonsense"}}]', '{', '{}'])(
    'says what is wrong with %s',
    async (body) => {
      await using emulator = await startEmulator()

      const response = await fetch(new URL('/_emulator/faults', emulator.baseUrl), {
        method: 'POST',
        body,
      })

      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ error: { code: 'bad_fault_rules' } })
    },
  )

  test('tells what was paid, and for what', async () => {
    await using emulator = await startEmulator()
    const { headers } = await generate(emulator, { n: 2 })
    await generate(emulator, { size: '1x1' })

    const stats: unknown = await (await fetch(new URL('/_emulator/stats', emulator.baseUrl))).json()
    const calls: unknown = await (await fetch(new URL('/_emulator/calls', emulator.baseUrl))).json()

    expect(stats).toEqual({
      calls: 2,
      answered: 2,
      paid: 1,
      pictures: 2,
      byOperation: { generate: 2, edit: 0, variation: 0 },
      byStatus: { 200: 1, 400: 1 },
      activeNow: 0,
      activeMax: 1,
    })
    expect(calls).toEqual([
      {
        call: 1,
        operation: 'generate',
        model: 'dall-e-2',
        promptSha: createHash('sha256').update('a red mug').digest('hex'),
        n: 2,
        nonce: headers.get('x-request-id'),
      },
    ])
  })
})

describe('work', () => {
  test('is done at the same time, and the most there was is remembered', async () => {
    await using emulator = await startEmulator({ latencyMs: 400 })

    await Promise.all(Array.from({ length: 6 }, () => generate(emulator)))

    expect(emulator.stats()).toMatchObject({ paid: 6, activeMax: 6, activeNow: 0 })
  })

  test('is finished and charged although the client hung up', async () => {
    await using emulator = await startEmulator({ latencyMs: 40 })
    const hangUp = new AbortController()

    const call = fetch(`${emulator.baseUrl}/images/generations`, {
      method: 'POST',
      signal: hangUp.signal,
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'x', size: '256x256' }),
    }).catch(() => undefined)
    await vi.waitUntil(() => emulator.stats().activeNow === 1, { interval: 1 })
    hangUp.abort()
    await call

    await vi.waitUntil(() => emulator.stats().activeNow === 0, { timeout: 5_000 })
    expect(emulator.stats()).toMatchObject({ calls: 1, paid: 1, answered: 0 })
  })

  test('above the limit of tokens per minute is refused by what usage would tell', async () => {
    await using emulator = await startEmulator({ tokensPerMinute: 300 })

    const first = await generate(emulator, GPT)
    const second = await generate(emulator, GPT)

    expect(first.body.usage).toMatchObject({ total_tokens: 205 })
    expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('95')
    expect(second.body.error).toMatchObject({ type: 'tokens', code: 'rate_limit_exceeded' })
  })

  test('above the limit of pictures per minute is refused, and not charged', async () => {
    await using emulator = await startEmulator({ imagesPerMinute: 2 })

    const first = await generate(emulator, { n: 2 })
    const second = await generate(emulator)

    expect([first.status, second.status]).toEqual([200, 429])
    expect(Number(second.headers.get('retry-after-ms'))).toBeGreaterThan(25_000)
    expect(second.headers.get('x-ratelimit-remaining-input-images')).toBe('0')
    expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 2 })
  })

  test('larger than the body limit is refused before it is read', async () => {
    await using emulator = await startEmulator({ bodyBytesMax: 1_000 })
    const large = { prompt: 'x'.repeat(2_000) }
    const chunked = new Blob([JSON.stringify(large)]).stream()

    const declared = await generate(emulator, large)
    const undeclared = await fetch(`${emulator.baseUrl}/images/generations`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: chunked,
      duplex: 'half',
    })

    expect([declared.status, undeclared.status]).toEqual([413, 413])
    expect(emulator.stats().calls).toBe(0)
  })

  test('never ends in a failure of the emulator, whatever the JSON', async () => {
    await using emulator = await startEmulator()
    const names = fc.constantFrom(
      'model',
      'prompt',
      'n',
      'size',
      'quality',
      'stream',
      'images',
      'x',
    )

    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, fc.jsonValue()), async (body) => {
        const { status } = await generate(emulator, body)

        expect([200, 400, 404]).toContain(status)
      }),
      { numRuns: 60 },
    )
  })
})

describe('its end', () => {
  test('cuts open connections and leaves nothing running', async () => {
    const emulator = await startEmulator({ latencyMs: 60_000 })
    const call = sendGenerate(emulator).then(
      () => 'answered',
      () => 'cut',
    )
    await vi.waitUntil(() => emulator.stats().activeNow === 1, { interval: 1 })

    await emulator[Symbol.asyncDispose]()

    expect(await call).toBe('cut')
    expect(emulator.stats()).toMatchObject({ activeNow: 0, paid: 0 })
    await expect(sendGenerate(emulator)).rejects.toThrow('fetch failed')
  })

  test('can be asked for twice', async () => {
    const emulator = await startEmulator()

    await emulator[Symbol.asyncDispose]()

    await expect(emulator[Symbol.asyncDispose]()).resolves.toBeUndefined()
  })
})

test('a port that is taken is an error of the start', async () => {
  await using emulator = await startEmulator()
  const port = Number(new URL(emulator.baseUrl).port)

  await expect(startEmulator({ port })).rejects.toThrow('EADDRINUSE')
})

test('a bad fault rule is an error of the start', async () => {
  const faults = [{ fault: { kind: 'nonsense' } }] as never

  await expect(startEmulator({ faults })).rejects.toThrow(ConfigError)
})

test('listening everywhere, it names an address that can be called', async () => {
  await using emulator = await startEmulator({ host: '0.0.0.0' })

  expect(emulator.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/)
  expect((await generate(emulator)).status).toBe(200)
})

test('faults can be added to a running emulator', async () => {
  await using emulator = await startEmulator()

  emulator.addFaults([{ times: 1, fault: { kind: 'bad_key' } }])
  await sleep(0)

  expect((await generate(emulator)).status).toBe(401)
})
