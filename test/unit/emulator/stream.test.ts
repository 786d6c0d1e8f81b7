/** Streams, read from the wire by the rules of the standard, without the help of any client. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { FaultRule } from '../../../src/emulator/faults.ts'
import { type Emulator, type EmulatorOptions, startEmulator } from '../../../src/emulator/server.ts'
import { asFile, plainPng, sendGenerate } from './requests.ts'

type FaultInput = FaultRule['fault']

const withFault = (fault: FaultInput, options: EmulatorOptions = {}) =>
  startEmulator({ ...options, faults: [{ times: 1, fault }] })

const STREAM = {
  model: 'gpt-image-2',
  size: '816x816',
  response_format: undefined,
  stream: true,
}

interface StreamEvent {
  name: string
  data: Record<string, unknown> & { b64_json?: string; usage?: Record<string, number> }
}

interface Read {
  response: Response
  text: string
  events: StreamEvent[]
}

async function stream(emulator: Emulator, body: Record<string, unknown> = {}): Promise<Read> {
  const response = await sendGenerate(emulator, { ...STREAM, ...body })
  return readStream(response)
}

async function readStream(response: Response): Promise<Read> {
  // Response.text() would take a byte order mark away.
  const text = Buffer.from(await response.arrayBuffer()).toString('utf8')
  return { response, text, events: parseEvents(text) }
}

/** The standard's own rules: lines end in CR, LF or both, and data lines are joined by line feeds. */
function parseEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = []
  let [name, data]: [string, string[]] = ['', []]
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)) {
    if (line === '') {
      const joined = data.join('\n')
      if (joined !== '' && joined !== '[DONE]') {
        events.push({ name, data: JSON.parse(joined) as StreamEvent['data'] })
      }
      ;[name, data] = ['', []]
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
  }
  return events
}

const pictureOf = ({ data }: StreamEvent) => Buffer.from(data.b64_json ?? '', 'base64')

describe('a stream', () => {
  test('has one flat event for a picture when no partial ones were asked for', async () => {
    await using emulator = await startEmulator()

    const { response, events } = await stream(emulator, { safety_identifier: 'abc' })

    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(response.headers.get('content-length')).toBeNull()
    expect(response.headers.get('x-request-id')).toBe(emulator.paidCalls()[0]?.nonce)
    expect(events).toHaveLength(1)
    expect(events[0]?.name).toBe('image_generation.completed')
    expect(events[0]?.data).toMatchObject({
      type: 'image_generation.completed',
      created_at: expect.any(Number),
      size: '816x816',
      quality: 'low',
      background: 'opaque',
      output_format: 'png',
      safety_identifier: 'abc',
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    })
    expect(events[0]?.data.usage).not.toHaveProperty('output_tokens_details')
  })

  test('shows each partial picture before its result, and charges a hundred tokens for it', async () => {
    await using emulator = await startEmulator()
    const plain = await stream(emulator)

    const { events } = await stream(emulator, { partial_images: 3, output_format: 'webp' })

    expect(events.map(({ name, data }) => [name, data['partial_image_index']])).toEqual([
      ['image_generation.partial_image', 0],
      ['image_generation.partial_image', 1],
      ['image_generation.partial_image', 2],
      ['image_generation.completed', undefined],
    ])
    for (const event of events) {
      expect(await sharp(pictureOf(event)).metadata()).toMatchObject({ format: 'webp', width: 816 })
    }
    expect(new Set(events.map(({ data }) => data.b64_json)).size).toBe(4)
    const [without, withThree] = [plain.events[0], events[3]].map((event) => event?.data.usage)
    expect(withThree?.['output_tokens']).toBe((without?.['output_tokens'] ?? 0) + 300)
  })

  test('writes the nonce of the call into results alone', async () => {
    await using emulator = await startEmulator()

    const { events } = await stream(emulator, { partial_images: 1, n: 2 })

    const nonce = emulator.paidCalls()[0]?.nonce ?? 'none'
    expect(events.map((event) => pictureOf(event).includes(nonce))).toEqual([
      false,
      true,
      false,
      true,
    ])
  })

  test('of several pictures shares the usage of the call out among them', async () => {
    await using emulator = await startEmulator()
    const call = { n: 3, prompt: 'x'.repeat(101), partial_images: 1 }
    const whole = await sendGenerate(emulator, { ...STREAM, ...call, stream: false })
    const { usage } = (await whole.json()) as { usage: Record<string, number> }

    const { events } = await stream(emulator, call)

    const shares = events.flatMap(({ data }) => (data.usage === undefined ? [] : [data.usage]))
    const sumOf = (name: string) => shares.reduce((sum, share) => sum + (share[name] ?? 0), 0)
    expect(shares).toHaveLength(3)
    expect(sumOf('input_tokens')).toBe(usage['input_tokens'])
    expect(sumOf('output_tokens')).toBe((usage['output_tokens'] ?? 0) + 3 * 100)
    expect(sumOf('total_tokens')).toBe(sumOf('input_tokens') + sumOf('output_tokens'))
  })

  test('of an edit has the names of an edit', async () => {
    await using emulator = await startEmulator()
    const body = new FormData()
    const image = asFile(await plainPng(64, 64))
    for (const [name, value] of Object.entries({ model: 'gpt-image-2', prompt: 'x' })) {
      body.append(name, value)
    }
    body.append('image', image)
    body.append('stream', 'true')
    body.append('partial_images', '1')

    const response = await fetch(`${emulator.baseUrl}/images/edits`, {
      method: 'POST',
      headers: { authorization: 'Bearer k' },
      body,
    })

    const { events } = await readStream(response)
    expect(events.map(({ name }) => name)).toEqual([
      'image_edit.partial_image',
      'image_edit.completed',
    ])
  })

  test('that meets a refusal is no stream at all', async () => {
    await using emulator = await withFault({ kind: 'moderation' })

    const response = await sendGenerate(emulator, STREAM)

    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'moderation_blocked' } })
  })
})

describe('a spoiled stream', () => {
  test('of empty data shows partial pictures and ends without a result', async () => {
    await using emulator = await withFault({ kind: 'empty_data' })

    const { response, events } = await stream(emulator, { partial_images: 2 })

    expect(response.status).toBe(200)
    expect(events.map(({ name }) => name)).toEqual([
      'image_generation.partial_image',
      'image_generation.partial_image',
    ])
    expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 0, answered: 1 })
  })

  test('of fewer pictures lacks the last results', async () => {
    await using emulator = await withFault({ kind: 'fewer_pictures', missing: 1 })

    expect((await stream(emulator, { n: 3 })).events).toHaveLength(2)
  })

  test('with bad base64 has it in every event', async () => {
    await using emulator = await withFault({ kind: 'bad_base64' })

    const { events } = await stream(emulator, { partial_images: 1 })

    for (const { data } of events) expect(data.b64_json).toMatch(/^[^!]+![^!]+$/)
    expect(events).toHaveLength(2)
  })

  test('can have lines of twenty megabytes', async () => {
    await using emulator = await withFault({ kind: 'huge', megabytes: 20 })

    const { events } = await stream(emulator, { n: 2 })

    for (const event of events) {
      const bytes = pictureOf(event)
      expect(bytes.length).toBeGreaterThanOrEqual(20_000_000)
      expect((await sharp(bytes).stats()).isOpaque).toBe(true)
    }
    expect(events).toHaveLength(2)
  })
})

describe('the events of a stream', () => {
  test.each<[Partial<Extract<FaultInput, { kind: 'stream_framing' }>>, RegExp]>([
    [{ lineEnd: 'crlf' }, /^event: image_generation\.completed\r\ndata: \{[^\r\n]+\}\r\n\r\n$/],
    [{ lineEnd: 'cr' }, /^event: image_generation\.completed\rdata: \{[^\r\n]+\}\r\r$/],
    [{ byteOrderMark: true }, /^\uFEFFevent: /],
    [{ comments: true }, /^: keep-alive\n\nretry: 3000\nevent: .+\n:\nid: .+\nnonsense\ndata: /],
    [{ space: false }, /^event:image_generation\.completed\ndata:\{/],
    [{ eventLines: false }, /^data: \{"type":"image_generation\.completed"/],
    [{ splitData: true }, /\ndata: \{\ndata: {2}"type": ".+",\ndata: {2}"b64_json": "/],
    [{ keyOrder: 'alphabetical' }, /data: \{"b64_json":"[^"]+","background":.+"type":/],
    [{ done: true }, /\n\ndata: \[DONE\]\n\n$/],
  ])('are the same with %j', async (framing, wire) => {
    await using emulator = await withFault({ kind: 'stream_framing', ...framing })

    const odd = await stream(emulator)
    const plain = await stream(emulator)

    const untimed = ({ events }: Read) =>
      events.map(({ data }) => ({ ...data, created_at: undefined, b64_json: undefined }))
    expect(odd.text).toMatch(wire)
    expect(untimed(odd)).toEqual(untimed(plain))
    expect((await sharp(pictureOf(odd.events[0]!)).metadata()).width).toBe(816)
  })

  test.each([
    ['event', 'error', { error: { code: 'moderation_blocked', message: 'no' } }],
    ['flat', 'error', { type: 'error', code: 'moderation_blocked', message: 'no' }],
    ['data', '', { error: { code: 'moderation_blocked', message: 'no' } }],
  ] as const)('end in an error (%s) after some partial pictures', async (form, name, data) => {
    const error = { form, afterPartials: 1, code: 'moderation_blocked', message: 'no' }
    await using emulator = await withFault({ kind: 'stream_error', ...error })

    const { response, events } = await stream(emulator, { partial_images: 3 })

    expect(response.status).toBe(200)
    expect(events.map((event) => event.name)).toEqual(['image_generation.partial_image', name])
    expect(events[1]?.data).toMatchObject(data)
    expect(emulator.stats()).toMatchObject({ paid: 0 })
  })

  test('end in an error that was paid for, when it is said so', async () => {
    await using emulator = await withFault({ kind: 'stream_error', afterPartials: 3, paid: true })

    const { events } = await stream(emulator, { partial_images: 1 })

    expect(events.map(({ name }) => name)).toEqual(['image_generation.partial_image', 'error'])
    expect(emulator.stats()).toMatchObject({ paid: 1, pictures: 1 })
  })

  test('come after a while of heartbeats', async () => {
    await using emulator = await withFault({ kind: 'stream_heartbeats', intervalMs: 5, forMs: 40 })

    const { text, events } = await stream(emulator)

    expect(text).toMatch(/^(: heartbeat\n\n){8}event: /)
    expect(events).toHaveLength(1)
  })

  test('are not met by calls that do not stream', async () => {
    await using emulator = await withFault({ kind: 'stream_error' })

    expect((await sendGenerate(emulator)).status).toBe(200)
    expect((await stream(emulator)).events[0]?.name).toBe('error')
  })
})

describe('the delivery of a stream', () => {
  test('begins with its headers, and the time it takes passes between the events', async () => {
    await using emulator = await startEmulator({ latencyMs: 60_000 })
    const hangUp = new AbortController()

    const response = await fetch(`${emulator.baseUrl}/images/generations`, {
      method: 'POST',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json' },
      body: JSON.stringify({ ...STREAM, prompt: 'x' }),
      signal: hangUp.signal,
    })

    expect(response.status).toBe(200)
    expect(emulator.stats()).toMatchObject({ paid: 1, answered: 0, activeNow: 1 })
    hangUp.abort()
    await expect.poll(() => emulator.stats().activeNow).toBe(0)
  })

  test.each(['content-length', 'chunked'] as const)('can be cut (%s)', async (framing) => {
    await using emulator = await withFault({ kind: 'cut_body', framing, share: 0.5 })

    const response = await sendGenerate(emulator, STREAM)

    await expect(response.text()).rejects.toThrow('terminated')
    expect(emulator.stats()).toMatchObject({ paid: 1, answered: 0, activeNow: 0 })
  })

  test.each<FaultInput>([
    { kind: 'slow_headers', delayMs: 20 },
    { kind: 'slow_body', chunkBytes: 2_000, intervalMs: 1 },
  ])('can be slow and come whole: %j', async (fault) => {
    await using emulator = await withFault(fault)

    const { events } = await stream(emulator, { partial_images: 1 })

    expect(events).toHaveLength(2)
  })

  test('waits for a reader that is slow, and ends when it is gone', async () => {
    await using emulator = await withFault({ kind: 'huge', megabytes: 60 })
    const response = await sendGenerate(emulator, STREAM)

    const reader = response.body?.getReader()
    await reader?.read()
    expect(emulator.stats()).toMatchObject({ answered: 0, activeNow: 1 })
    await reader?.cancel()

    await expect.poll(() => emulator.stats().activeNow).toBe(0)
    expect(emulator.stats()).toMatchObject({ paid: 1, answered: 0 })
  })
})
