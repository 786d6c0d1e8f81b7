import { connect } from 'node:net'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { FaultRule } from '../../../src/emulator/faults.ts'
import { type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { bytesOf, generate, sendGenerate, SMALL } from './requests.ts'

type FaultInput = FaultRule['fault']

const withFault = (fault: FaultInput) => startEmulator({ faults: [{ times: 1, fault }] })

/** Whatever fetch throws when the answer is not whole. */
async function failureOf(answer: Promise<unknown>): Promise<Error> {
  const outcome = await answer.catch((error: unknown) => error)
  if (!(outcome instanceof Error)) throw new Error('the answer came whole')
  return outcome
}

/** The bytes of an answer as they came over the wire, up to the end of the connection. */
function rawAnswer(emulator: Emulator): Promise<string> {
  const body = JSON.stringify({ ...SMALL, prompt: 'a red mug' })
  const { hostname, port } = new URL(emulator.baseUrl)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/images/generations HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer k\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    socket.on('end', () => {
      socket.end()
      resolve(text)
    })
    socket.on('error', reject)
  })
}

describe('a refusal', () => {
  test.each<[FaultInput, { status: number; type: string; code: string | null }]>([
    [{ kind: 'rate_limit' }, { status: 429, type: 'input-images', code: 'rate_limit_exceeded' }],
    [{ kind: 'server_error' }, { status: 500, type: 'server_error', code: null }],
    [
      { kind: 'server_error', status: 503 },
      { status: 503, type: 'server_error', code: null },
    ],
    [
      { kind: 'moderation' },
      { status: 400, type: 'image_generation_user_error', code: 'moderation_blocked' },
    ],
    [{ kind: 'bad_key' }, { status: 401, type: 'invalid_request_error', code: 'invalid_api_key' }],
    [{ kind: 'quota' }, { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' }],
    [
      { kind: 'quota', code: 'project_spend_limit_exceeded' },
      { status: 429, type: 'insufficient_quota', code: 'project_spend_limit_exceeded' },
    ],
    [
      { kind: 'billing_hard_limit_reached' },
      { status: 400, type: 'invalid_request_error', code: 'billing_hard_limit_reached' },
    ],
    [
      { kind: 'rate_limit', limit: 'tokens' },
      { status: 429, type: 'tokens', code: 'rate_limit_exceeded' },
    ],
    [
      { kind: 'billing_hard_limit_reached', status: 429 },
      { status: 429, type: 'invalid_request_error', code: 'billing_hard_limit_reached' },
    ],
    [
      { kind: 'known_error', name: 'country_not_supported' },
      {
        status: 403,
        type: 'request_forbidden',
        code: 'unsupported_country_region_territory',
      },
    ],
    [
      { kind: 'known_error', name: 'slow_down' },
      { status: 503, type: 'server_error', code: 'slow_down' },
    ],
    [
      {
        kind: 'error',
        status: 409,
        code: 'conflict',
        type: 'odd',
        headers: { 'x-should-retry': 'no' },
      },
      { status: 409, type: 'odd', code: 'conflict' },
    ],
  ])('%j answers in the shape of the API and is not paid', async (fault, { status, ...error }) => {
    await using emulator = await withFault(fault)

    const refused = await generate(emulator)
    const next = await generate(emulator)

    expect(refused.status).toBe(status)
    expect(refused.body.error).toMatchObject(error)
    expect(refused.headers.get('x-request-id')).toMatch(/^req_/)
    expect(next.status).toBe(200)
    expect(emulator.stats()).toMatchObject({ calls: 2, paid: 1, byStatus: { [status]: 1, 200: 1 } })
  })

  test('for moderation carries its details', async () => {
    await using emulator = await withFault({
      kind: 'moderation',
      stage: 'output',
      categories: ['sexual', 'violence'],
    })

    const { body } = await generate(emulator)

    expect(body.error).toMatchObject({
      moderation_details: { moderation_stage: 'output', categories: ['sexual', 'violence'] },
    })
    expect(body.error?.message).toContain('safety_violations=[sexual, violence]')
  })

  test.each<[FaultInput, { ms: RegExp; seconds: RegExp; isTold: boolean }]>([
    [
      { kind: 'rate_limit', hint: 'retry-after-ms', delayMs: 40 },
      { ms: /^40$/, seconds: /^1$/, isTold: true },
    ],
    [
      { kind: 'rate_limit', hint: 'retry-after', delayMs: 3_000 },
      { ms: /^absent$/, seconds: /^3$/, isTold: true },
    ],
    [
      { kind: 'rate_limit', hint: 'http-date', delayMs: 3_000 },
      { ms: /^absent$/, seconds: / GMT$/, isTold: true },
    ],
    [
      { kind: 'rate_limit', hint: 'none' },
      { ms: /^absent$/, seconds: /^absent$/, isTold: false },
    ],
  ])('%j sends that hint alone', async (fault, { ms, seconds, isTold }) => {
    await using emulator = await withFault(fault)

    const { headers, body } = await generate(emulator)

    expect(headers.get('retry-after-ms') ?? 'absent').toMatch(ms)
    expect(headers.get('retry-after') ?? 'absent').toMatch(seconds)
    expect(body.error?.message.includes('try again in')).toBe(isTold)
  })

  test.each([200, 502])(
    'of HTML with status %i comes without the headers of the API',
    async (status) => {
      await using emulator = await withFault({ kind: 'html', status })

      const response = await sendGenerate(emulator)

      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toMatch(/^text\/html/)
      expect(response.headers.get('x-request-id')).toBeNull()
      expect(await response.text()).toContain('<html>')
      expect(emulator.stats().paid).toBe(0)
    },
  )

  test('by reset ends the connection without an answer', async () => {
    await using emulator = await withFault({ kind: 'reset' })

    const failure = await failureOf(sendGenerate(emulator))

    expect(failure.cause).toMatchObject({ code: 'ECONNRESET' })
    expect(emulator.stats()).toMatchObject({ calls: 1, answered: 0, paid: 0, activeNow: 0 })
  })

  test.each<FaultInput>([
    { kind: 'reset', paid: true },
    { kind: 'server_error', status: 504, paid: true },
    { kind: 'html', status: 502, paid: true },
  ])('%j is charged although no picture comes', async (fault) => {
    await using emulator = await withFault(fault)

    await sendGenerate(emulator, { n: 2 }).catch(() => undefined)

    expect(emulator.stats()).toMatchObject({ calls: 1, paid: 1, pictures: 2 })
    expect(emulator.paidCalls()).toMatchObject([{ call: 1, n: 2 }])
  })
})

describe('a spoiled answer', () => {
  test('with bad base64 has one character no decoder should take', async () => {
    await using emulator = await withFault({ kind: 'bad_base64' })

    const { body } = await generate(emulator, { n: 2 })

    for (const { b64_json } of body.data ?? [])
      expect(b64_json).toMatch(/^[A-Za-z0-9+/]+![A-Za-z0-9+/]+={0,2}$/)
    expect(body.data).toHaveLength(2)
    expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 2 })
  })

  test('that is not a picture decodes to HTML', async () => {
    await using emulator = await withFault({ kind: 'not_a_picture' })

    expect(bytesOf(await generate(emulator)).toString()).toMatch(/^<!DOCTYPE html>/)
  })

  test('with fewer pictures lacks some of them', async () => {
    await using emulator = await withFault({ kind: 'fewer_pictures', missing: 2 })

    expect((await generate(emulator, { n: 3 })).body.data).toHaveLength(1)
    expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 1 })
  })

  test('with empty data is paid and has nothing', async () => {
    await using emulator = await withFault({ kind: 'empty_data' })

    expect((await generate(emulator)).body.data).toEqual([])
    expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 0 })
  })

  test.each([
    ['png', 'jpeg'],
    ['webp', 'jpeg'],
    ['jpeg', 'png'],
  ])('in the wrong format says %s and is %s', async (asked, got) => {
    await using emulator = await withFault({ kind: 'wrong_format' })
    const request = { model: 'gpt-image-1', size: '1024x1024', output_format: asked }

    const answer = await generate(emulator, { ...request, response_format: undefined })

    expect(answer.body['output_format']).toBe(asked)
    expect((await sharp(bytesOf(answer)).metadata()).format).toBe(got)
  })

  test.each(['gif', 'svg'])('can be huge as %s too', async (output_format) => {
    await using emulator = await withFault({ kind: 'huge', megabytes: 3 })
    const request = { model: 'gpt-image-2.6-flare', size: '816x816', output_format }

    const answer = await generate(emulator, { ...request, response_format: undefined })

    const bytes = bytesOf(answer)
    expect(bytes.length).toBeGreaterThanOrEqual(3_000_000)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: output_format, width: 816 })
    expect((await sharp(bytes).stats()).isOpaque).toBe(true)
  })

  test('can be huge and still a picture', async () => {
    await using emulator = await withFault({ kind: 'huge', megabytes: 3 })

    const answer = await generate(emulator, { n: 2 })

    for (const index of [0, 1]) {
      const bytes = bytesOf(answer, index)
      expect(bytes.length).toBeGreaterThanOrEqual(3_000_000)
      expect(bytes.length).toBeLessThan(3_010_000)
      const decoded = await sharp(bytes, { failOn: 'warning' })
        .raw()
        .toBuffer({ resolveWithObject: true })
      expect(decoded.info).toMatchObject({ width: 256, height: 256 })
    }
  })
})

describe('a delivery', () => {
  test('with slow headers comes late and whole', async () => {
    await using emulator = await withFault({ kind: 'slow_headers', delayMs: 60 })
    const sentAtMs = performance.now()

    const { status } = await generate(emulator)

    // Timers count in whole milliseconds and may fire one early.
    expect(performance.now() - sentAtMs).toBeGreaterThanOrEqual(59)
    expect(status).toBe(200)
  })

  test('with a slow body drips it and ends whole', async () => {
    await using emulator = await withFault({ kind: 'slow_body', chunkBytes: 500, intervalMs: 2 })

    const response = await sendGenerate(emulator)
    let chunkCount = 0
    const parts: Uint8Array[] = []
    for await (const part of response.body ?? []) {
      chunkCount += 1
      parts.push(part)
    }

    expect(chunkCount).toBeGreaterThan(1)
    expect(JSON.parse(Buffer.concat(parts).toString())).toHaveProperty('data.0.b64_json')
  })

  test.each(['content-length', 'chunked'] as const)(
    'cut in a body framed by %s breaks the transfer, and is paid',
    async (framing) => {
      await using emulator = await withFault({ kind: 'cut_body', framing })

      const response = await sendGenerate(emulator)
      const failure = await failureOf(response.text())

      expect(response.status).toBe(200)
      expect(failure.message).toBe('terminated')
      expect(emulator.stats()).toMatchObject({ paid: 1, answered: 0, activeNow: 0 })
    },
  )

  test('cut in a body that ends with the connection looks whole, but is no JSON', async () => {
    await using emulator = await withFault({ kind: 'cut_body', framing: 'close' })

    const answer = await rawAnswer(emulator)
    const [head = '', body = ''] = answer.split('\r\n\r\n')

    expect(head).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(head).not.toMatch(/content-length|transfer-encoding/i)
    expect(body).toContain('b64_json')
    expect(() => JSON.parse(body) as unknown).toThrow(SyntaxError)
    expect(emulator.stats()).toMatchObject({ paid: 1, answered: 0 })
  })

  test('cut at the very start sends headers only', async () => {
    await using emulator = await withFault({ kind: 'cut_body', framing: 'close', share: 0 })

    expect(await rawAnswer(emulator)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/)
  })
})

test('URLs that are told to fail do so each for itself, and then work', async () => {
  await using emulator = await withFault({ kind: 'file_error', status: 500, times: 2 })
  const answer = await generate(emulator, { response_format: 'url', n: 2 })
  const urls = (answer.body.data ?? []).map(({ url }) => url ?? '')

  const statuses: number[][] = []
  for (const url of urls) {
    const answers = [await fetch(url), await fetch(url), await fetch(url)]
    statuses.push(answers.map(({ status }) => status))
    expect(await answers[0]?.text()).toContain('told to fail')
    expect(answers[2]?.headers.get('content-type')).toBe('image/png')
  }

  expect(statuses).toEqual([
    [500, 500, 200],
    [500, 500, 200],
  ])
  expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 2 })
})

test('URLs can be made to lead elsewhere', async () => {
  await using emulator = await startEmulator({ filesOrigin: 'https://files.example' })

  const answer = await generate(emulator, { response_format: 'url' })

  expect(answer.body.data?.[0]?.url).toMatch(/^https:\/\/files\.example\/_files\/img-/)
})
