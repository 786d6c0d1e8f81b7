/** Each fault of the Images API, through the whole pipeline: what the row comes to, and what it costs. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { expectSoundRun } from '../helpers/invariants.ts'
import { openPipeline, type Pipeline } from '../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../helpers/queues.ts'

const CSV = 'id,prompt,size,quality\none,a red mug,1024x1024,low\n'

const queue = queueForTests(anySettings)
let count = 0

async function freshPipeline(): Promise<Pipeline> {
  count += 1
  return openPipeline(queue)
}

/** A prompt of its own keeps the fingerprints of the tests apart. */
const csv = () => CSV.replace('a red mug', `a red mug ${count}`)

describe('a fault that passes', () => {
  const passing: {
    title: string
    fault: FaultRule['fault']
    attempts: number
    unknownCalls: number
    settings?: Record<string, unknown>
  }[] = [
    {
      title: '429 with retry-after-ms',
      fault: { kind: 'rate_limit', hint: 'retry-after-ms', delayMs: 1_000 },
      attempts: 1,
      unknownCalls: 0,
    },
    {
      title: '429 with Retry-After in seconds',
      fault: { kind: 'rate_limit', hint: 'retry-after', delayMs: 1_000 },
      attempts: 1,
      unknownCalls: 0,
    },
    {
      title: '429 with Retry-After as a date',
      fault: { kind: 'rate_limit', hint: 'http-date', delayMs: 2_000 },
      attempts: 1,
      unknownCalls: 0,
    },
    {
      title: '429 without a hint',
      fault: { kind: 'rate_limit', hint: 'none' },
      attempts: 1,
      unknownCalls: 0,
    },
    { title: '500', fault: { kind: 'server_error', status: 500 }, attempts: 2, unknownCalls: 0 },
    { title: '503', fault: { kind: 'server_error', status: 503 }, attempts: 2, unknownCalls: 0 },
    { title: '502', fault: { kind: 'server_error', status: 502 }, attempts: 2, unknownCalls: 1 },
    { title: '504', fault: { kind: 'server_error', status: 504 }, attempts: 2, unknownCalls: 1 },
    { title: 'a reset connection', fault: { kind: 'reset' }, attempts: 2, unknownCalls: 1 },
    {
      title: 'HTML with status 200',
      fault: { kind: 'html', status: 200 },
      attempts: 2,
      unknownCalls: 1,
    },
    {
      title: 'HTML with status 502',
      fault: { kind: 'html', status: 502 },
      attempts: 2,
      unknownCalls: 1,
    },
    {
      title: 'a body cut short of its length',
      fault: { kind: 'cut_body', framing: 'content-length' },
      attempts: 2,
      unknownCalls: 1,
    },
    {
      title: 'a chunked body cut short',
      fault: { kind: 'cut_body', framing: 'chunked' },
      attempts: 2,
      unknownCalls: 1,
    },
    {
      title: 'a body without a length, cut short',
      fault: { kind: 'cut_body', framing: 'close' },
      attempts: 2,
      unknownCalls: 1,
    },
    { title: 'bad base64', fault: { kind: 'bad_base64' }, attempts: 2, unknownCalls: 1 },
    {
      title: 'something else than a picture',
      fault: { kind: 'not_a_picture' },
      attempts: 2,
      unknownCalls: 1,
    },
    {
      title: 'an answer without pictures',
      fault: { kind: 'empty_data' },
      attempts: 2,
      unknownCalls: 1,
    },
    {
      title: 'a body that drips past the deadline',
      fault: { kind: 'slow_body', chunkBytes: 16, intervalMs: 50 },
      attempts: 2,
      unknownCalls: 1,
      settings: { requestTimeoutMs: 1_500 },
    },
    {
      title: 'an answer that begins past the deadline',
      fault: { kind: 'slow_headers', delayMs: 20_000 },
      attempts: 2,
      unknownCalls: 1,
      settings: { requestTimeoutMs: 1_500 },
    },
  ]

  test.each(passing)(
    '$title: the row succeeds with its second call',
    async ({ fault, settings = {}, ...counts }) => {
      await using pipeline = await freshPipeline()

      const rendered = await pipeline.render(csv(), { faults: [{ times: 1, fault }], settings })

      await expectSoundRun(rendered, pipeline.store)
      expect(rendered.results[0]).toMatchObject({
        outcome: 'succeeded',
        attempts: counts.attempts,
        calls: 2,
        earlierAttempts: [{ call: counts.unknownCalls === 0 ? 'unpaid' : 'presumed-paid' }],
      })
      expect(rendered.books).toMatchObject({ calls: 2, unknownCalls: counts.unknownCalls })
      expect(rendered.calls.calls).toBe(2)
      expect(rendered.records.get('one')).toMatchObject({
        calls: 2,
        unknownCalls: counts.unknownCalls,
      })
    },
  )
})

describe('a fault that stays', () => {
  const staying: {
    title: string
    fault: FaultRule['fault']
    outcome: string
    code: string
    calls: number
    unknownCalls: number
  }[] = [
    {
      title: 'a moderation block',
      fault: { kind: 'moderation' },
      outcome: 'refused',
      code: 'content_refused',
      calls: 1,
      unknownCalls: 0,
    },
    {
      title: 'a rejected request',
      fault: { kind: 'error', status: 400, code: 'invalid_value', param: 'size' },
      outcome: 'failed',
      code: 'request_rejected',
      calls: 1,
      unknownCalls: 0,
    },
    {
      title: '500 for ever',
      fault: { kind: 'server_error', status: 500 },
      outcome: 'failed',
      code: 'api_unavailable',
      calls: 3,
      unknownCalls: 0,
    },
    {
      title: '504 for ever',
      fault: { kind: 'server_error', status: 504 },
      outcome: 'failed',
      code: 'outcome_unknown',
      calls: 3,
      unknownCalls: 3,
    },
    {
      title: 'garbage for ever',
      fault: { kind: 'bad_base64' },
      outcome: 'failed',
      code: 'response_broken',
      calls: 3,
      unknownCalls: 3,
    },
  ]

  test.each(staying)(
    '$title: $outcome as $code after $calls calls, and the other row is rendered',
    async (expected) => {
      await using pipeline = await freshPipeline()
      const manifest = `${csv()}two,a blue shirt ${count},1024x1024,low\n`

      const rendered = await pipeline.render(manifest, {
        faults: [{ match: { promptIncludes: 'red mug' }, fault: expected.fault }],
      })

      await expectSoundRun(rendered, pipeline.store)
      const result = rendered.results.find(({ id }) => id === 'one')
      expect(result).toMatchObject({
        outcome: expected.outcome,
        errorCode: expected.code,
        calls: expected.calls,
      })
      expect(result?.error).not.toBe('')
      expect(rendered.records.get('two')).toBeDefined()
      expect(rendered.books).toMatchObject({
        calls: expected.calls + 1,
        unknownCalls: expected.unknownCalls,
      })
      expect(rendered.calls.calls).toBe(expected.calls + 1)
    },
  )
})

describe('an answer that is odd but good', () => {
  test('fewer pictures than asked: what came is stored, and the record says so', async () => {
    await using pipeline = await freshPipeline()

    const rendered = await pipeline.render(`id,prompt,n,quality\none,mugs ${count},3,low\n`, {
      faults: [{ fault: { kind: 'fewer_pictures', missing: 1 } }],
    })

    await expectSoundRun(rendered, pipeline.store)
    const record = rendered.records.get('one')
    expect(record?.pictures.map(({ key }) => key)).toEqual([
      'catalog/one-1.png',
      'catalog/one-2.png',
    ])
    expect(record?.warnings.join()).toMatch(/asked for 3 pictures, got 2/)
    expect(rendered.calls.calls).toBe(1)
  })

  test('another format than asked: stored under what it is, with a warning', async () => {
    await using pipeline = await freshPipeline()

    const asked = `id,prompt,quality,output_format\none,a mug ${count},low,png\n`
    const rendered = await pipeline.render(asked, { faults: [{ fault: { kind: 'wrong_format' } }] })

    await expectSoundRun(rendered, pipeline.store)
    const record = rendered.records.get('one')
    expect(record?.pictures[0]).toMatchObject({ key: 'catalog/one.jpg', mediaType: 'image/jpeg' })
    expect((await pipeline.store.head('catalog/one.jpg'))?.contentType).toBe('image/jpeg')
    expect(record?.warnings.join()).toMatch(/is jpg, asked was/)
  })
})

describe('a fault that concerns everybody', () => {
  const stopping: { title: string; fault: FaultRule['fault']; code: string }[] = [
    { title: 'a bad key', fault: { kind: 'bad_key' }, code: 'credentials_refused' },
    { title: 'an exhausted quota', fault: { kind: 'quota' }, code: 'quota_exhausted' },
    {
      title: 'a billing limit',
      fault: { kind: 'billing_hard_limit_reached' },
      code: 'quota_exhausted',
    },
  ]

  test.each(stopping)(
    '$title: everything stops, no row is spent, and the run goes on later',
    async ({ fault, code }) => {
      await using pipeline = await freshPipeline()
      const rows = Array.from({ length: 20 }, (_, row) => `sku-${row},mug ${row} of ${count},low\n`)
      const manifest = `id,prompt,quality\n${rows.join('')}`

      const stopped = await pipeline.render(manifest, {
        faults: [{ fault }],
        until: async (_, queueNow) => (await queueNow.ledger.brake()) !== undefined,
      })

      expect(stopped.calls.calls).toBeLessThanOrEqual(4)
      expect(stopped.books).toMatchObject({ settled: 0, unknownCalls: 0, state: 'running' })
      expect(await queue().ledger.brake()).toMatchObject({ code })

      const rendered = await pipeline.render(manifest)

      await expectSoundRun(rendered, pipeline.store)
      expect(rendered.run).toBe(stopped.run)
      expect(rendered.books.outcomes.succeeded).toBe(20)
      expect(rendered.calls.calls).toBe(20)
    },
  )
})

describe('results by URL', () => {
  const byUrl = () =>
    `id,prompt,model,size,response_format\none,a red mug ${count},dall-e-3,1024x1024,url\n`

  test('a host of files that fails twice costs no second call', async () => {
    await using pipeline = await freshPipeline()

    const rendered = await pipeline.render(byUrl(), {
      faults: [{ fault: { kind: 'file_error', status: 503, times: 2 } }],
    })

    await expectSoundRun(rendered, pipeline.store)
    expect(rendered.results[0]).toMatchObject({ outcome: 'succeeded', attempts: 1, calls: 1 })
    expect(rendered.books).toMatchObject({ calls: 1, unknownCalls: 0 })
    expect(rendered.calls.calls).toBe(1)
  })

  test('a URL that has expired fails the row, which is not bought again', async () => {
    await using pipeline = await freshPipeline()

    const rendered = await pipeline.render(byUrl(), { emulator: { urlLifetimeMs: 1 } })

    expect(rendered.results[0]).toMatchObject({
      outcome: 'failed',
      errorCode: 'result_expired',
      attempts: 1,
      calls: 1,
    })
    expect(rendered.calls.calls).toBe(1)
  })

  test('a URL that may not be fetched stops everybody, before the catalog is burnt', async () => {
    await using pipeline = await freshPipeline()
    const rows = Array.from(
      { length: 12 },
      (_, row) => `sku-${row},mug ${row} of ${count},dall-e-3,1024x1024,url\n`,
    )
    const manifest = `id,prompt,model,size,response_format\n${rows.join('')}`

    const stopped = await pipeline.render(manifest, {
      emulator: { filesOrigin: 'http://10.0.0.1' },
      until: async (_, queueNow) => (await queueNow.ledger.brake()) !== undefined,
    })

    expect(stopped.calls.calls).toBeLessThanOrEqual(4)
    expect(stopped.books).toMatchObject({ settled: 0, state: 'running' })
    expect(await queue().ledger.brake()).toMatchObject({
      code: 'result_refused',
      reason: expect.stringContaining('RENDERQ_ALLOW_PRIVATE_URLS'),
    })

    const rendered = await pipeline.render(manifest)

    expect(rendered.run).toBe(stopped.run)
    expect(rendered.books.outcomes.succeeded).toBe(12)
    expect(rendered.calls.calls).toBe(12)
  })
})

describe('secrets', () => {
  let pipeline: Pipeline
  beforeAll(async () => {
    pipeline = await freshPipeline()
  })
  afterAll(() => pipeline[Symbol.asyncDispose]())

  test('the key is in no object, no result, no spool file', async () => {
    await pipeline.render(csv(), {
      faults: [
        {
          times: 1,
          fault: { kind: 'error', status: 400, message: 'bad key sk-test-canary-0123456789' },
        },
      ],
    })

    const files = await readdir(pipeline.dir.path, { recursive: true, withFileTypes: true })
    const texts = await Promise.all(
      files
        .filter((file) => file.isFile())
        .map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
    )
    expect(texts.length).toBeGreaterThan(3)
    expect(texts.filter((text) => text.includes('canary'))).toEqual([])
  })
})
