import { describe, expect, test } from 'vitest'
import { formatDuration, RateLimits, retryHeaders } from '../../../src/emulator/limits.ts'

const one = { model: 'gpt-image-2', family: 'gpt-image', pictures: 1, tokens: 10 }
const NOW_MS = 1_000_000

describe('with a limit of five pictures per minute', () => {
  test('the sixth at once is told to come back in twelve seconds', () => {
    const limits = new RateLimits({ imagesPerMinute: 5 })
    for (let call = 0; call < 5; call += 1) expect(limits.take(one, NOW_MS).refusal).toBeUndefined()

    const { refusal, headers } = limits.take(one, NOW_MS)

    expect(refusal?.message).toBe(
      'Rate limit reached for gpt-image-2 (for limit gpt-image) in organization org-emulator on input-images per min: Limit 5, Used 5, Requested 1. Please try again in 12s.',
    )
    expect(refusal).toMatchObject({
      status: 429,
      body: { error: { type: 'input-images', code: 'rate_limit_exceeded' } },
      headers: { 'retry-after-ms': '12000', 'retry-after': '12' },
    })
    expect(headers).toMatchObject({
      'x-ratelimit-limit-input-images': '5',
      'x-ratelimit-remaining-input-images': '0',
      'x-ratelimit-reset-input-images': '1m0s',
    })
  })

  test('whoever comes back then is served, and not a moment earlier', () => {
    const limits = new RateLimits({ imagesPerMinute: 5 })
    limits.take({ ...one, pictures: 5 }, NOW_MS)

    expect(limits.take(one, NOW_MS + 11_900).refusal).toBeDefined()
    expect(limits.take(one, NOW_MS + 12_000).refusal).toBeUndefined()
  })

  test('a refused call takes nothing away from the others', () => {
    const limits = new RateLimits({ imagesPerMinute: 5 })
    limits.take({ ...one, pictures: 4 }, NOW_MS)
    expect(limits.take({ ...one, pictures: 2 }, NOW_MS).refusal).toBeDefined()

    expect(limits.take(one, NOW_MS).refusal).toBeUndefined()
  })

  test('more pictures than the limit never fit, and no time is named', () => {
    const { refusal } = new RateLimits({ imagesPerMinute: 5 }).take(
      { ...one, pictures: 10 },
      NOW_MS,
    )

    expect(refusal?.message).toMatch(/Limit 5, Used 0, Requested 10\.$/)
    expect(refusal?.headers).toEqual({})
  })

  test('another family has its own limit', () => {
    const limits = new RateLimits({ imagesPerMinute: 5 })
    limits.take({ ...one, pictures: 5 }, NOW_MS)

    expect(limits.take({ ...one, family: 'dall-e-2' }, NOW_MS).refusal).toBeUndefined()
  })
})

describe.each([
  ['requests', { requestsPerMinute: 3 }, 'requests per min (RPM)', 'Limit 3, Used 3, Requested 1'],
  ['tokens', { tokensPerMinute: 30 }, 'tokens per min (TPM)', 'Limit 30, Used 30, Requested 10'],
] as const)('with a limit of %s', (name, settings, words, numbers) => {
  test('the fourth call is refused by that name, with the time to come back', () => {
    const limits = new RateLimits(settings)
    for (let call = 0; call < 3; call += 1) expect(limits.take(one, NOW_MS).refusal).toBeUndefined()

    const { refusal, headers } = limits.take(one, NOW_MS)

    expect(refusal?.message).toBe(
      `Rate limit reached for gpt-image-2 (for limit gpt-image) in organization org-emulator on ${words}: ${numbers}. Please try again in 20s.`,
    )
    expect(refusal).toMatchObject({
      status: 429,
      body: { error: { type: name, code: 'rate_limit_exceeded' } },
      headers: { 'retry-after': '20' },
    })
    expect(headers[`x-ratelimit-remaining-${name}`]).toBe('0')
    expect(limits.take(one, NOW_MS + 20_000).refusal).toBeUndefined()
  })
})

test('a call that another limit refuses still counts as a request', () => {
  const limits = new RateLimits({ requestsPerMinute: 10, imagesPerMinute: 1 })
  limits.take(one, NOW_MS)

  const { headers, refusal } = limits.take(one, NOW_MS)

  expect(refusal?.body.error.type).toBe('input-images')
  expect(headers).toMatchObject({
    'x-ratelimit-remaining-requests': '8',
    'x-ratelimit-remaining-tokens': '99999990',
  })
})

test('without a limit everything passes, and the headers still count', () => {
  const limits = new RateLimits()
  let headers: Record<string, string> = {}
  for (let call = 0; call < 1_000; call += 1) {
    const taken = limits.take({ ...one, pictures: 10 }, NOW_MS)
    expect(taken.refusal).toBeUndefined()
    headers = taken.headers
  }

  expect(headers).toMatchObject({
    'x-ratelimit-limit-input-images': '100000',
    'x-ratelimit-remaining-input-images': '90000',
    'x-ratelimit-remaining-requests': '99000',
    'x-ratelimit-reset-requests': '600ms',
  })
})

test.each([
  [0, '0ms'],
  [120, '120ms'],
  [1_500, '1.5s'],
  [12_000, '12s'],
  [59_999, '59.999s'],
  [119_700, '2m0s'],
  [360_000, '6m0s'],
])('%i ms is written %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})

test('each kind of retry hint is a header of its own', () => {
  expect(retryHeaders('retry-after-ms', 534)).toEqual({
    'retry-after-ms': '534',
    'retry-after': '1',
  })
  expect(retryHeaders('retry-after', 2_100)).toEqual({ 'retry-after': '3' })
  expect(retryHeaders('none', 534)).toEqual({})
  const date = retryHeaders('http-date', 5_000)['retry-after'] ?? ''
  expect(date).toMatch(/ GMT$/)
  expect(Date.parse(date) - Date.now()).toBeGreaterThan(3_000)
})
