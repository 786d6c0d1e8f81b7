import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RenderError } from '../../../src/errors.ts'
import { failureOf, type FailedAnswer } from '../../../src/images-api/failures.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const LIMIT = 'on input-images per min: Limit 5, Used 5, Requested'

const failure = (
  status: number,
  body: unknown,
  headers: FailedAnswer['headers'] = {},
): RenderError =>
  failureOf(
    { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) },
    { now: NOW, secrets: ['very-secret-key'] },
  )

const openai = (code: string | null, message = 'Something.', type = 'invalid_request_error') => ({
  error: { message, type, param: null, code },
})

const USER_ERROR = 'image_generation_user_error'

describe('what an answer means', () => {
  test.each<[string, number, unknown, string, FailedAnswer['headers']?]>([
    [
      'moderation',
      400,
      openai('moderation_blocked', 'Rejected.', USER_ERROR),
      'content_refused never unpaid',
    ],
    [
      'moderation of DALL-E',
      400,
      openai('content_policy_violation'),
      'content_refused never unpaid',
    ],
    [
      'moderation without a code',
      400,
      openai(null, 'Your request was rejected as a result of our safety system.'),
      'content_refused never unpaid',
    ],
    [
      'moderation inside a 500',
      500,
      openai('server_error', 'Rejected by our safety system. safety_violations=[violence].'),
      'content_refused never unpaid',
    ],
    [
      'moderation inside a 500, in other words',
      500,
      { detail: 'The prompt was rejected by the safety system.' },
      'content_refused never unpaid',
    ],
    ['moderation inside a 502', 502, openai('moderation_blocked'), 'content_refused never unpaid'],
    [
      'moderation on Azure',
      400,
      {
        error: {
          code: 'contentFilter',
          message: 'Your task failed as a result of our safety system.',
        },
      },
      'content_refused never unpaid',
    ],
    [
      'moderation inside an inner error',
      400,
      {
        error: {
          code: 'BadRequest',
          message: 'No.',
          inner_error: { code: 'ResponsibleAIPolicyViolation' },
        },
      },
      'content_refused never unpaid',
    ],
    [
      'moderation by a message of a gateway',
      422,
      { detail: 'Generated image was filtered as a result of our safety system.' },
      'content_refused never unpaid',
    ],

    [
      'a bad value',
      400,
      openai('invalid_value', 'Invalid size.', USER_ERROR),
      'request_rejected never unpaid',
    ],
    [
      'an unknown parameter',
      400,
      openai('unknown_parameter', "Unknown parameter: 'style'."),
      'request_rejected never unpaid',
    ],
    [
      'a bad media type',
      400,
      openai(null, "unsupported mimetype ('application/octet-stream')"),
      'request_rejected never unpaid',
    ],
    [
      'a retired model',
      404,
      openai('model_not_found', 'The model does not exist.'),
      'request_rejected never unpaid',
    ],
    [
      'a wrong address on Azure',
      404,
      { error: { code: '404', message: 'Resource not found' } },
      'request_rejected never unpaid',
    ],
    [
      'a page of a wrong server',
      404,
      '<html><title>404 Not Found</title></html>',
      'request_rejected never unpaid',
    ],
    [
      'an upload that is too large',
      413,
      '<html><title>413 Request Entity Too Large</title></html>',
      'request_rejected never unpaid',
    ],
    [
      'a field that FastAPI refuses',
      422,
      { detail: [{ loc: ['body', 'size'], msg: 'bad size' }] },
      'request_rejected never unpaid',
    ],
    ['an unknown status of the 400s', 418, '', 'request_rejected never unpaid'],
    ['a method that is not offered', 501, '', 'request_rejected never unpaid'],

    [
      'a bad key',
      401,
      openai('invalid_api_key', 'Incorrect API key provided.'),
      'credentials_refused pause unpaid',
    ],
    [
      'an unverified organization',
      403,
      openai(null, 'Your organization must be verified.'),
      'credentials_refused pause unpaid',
    ],
    [
      'a region',
      403,
      openai('unsupported_country_region_territory'),
      'credentials_refused pause unpaid',
    ],
    [
      'a resource locked after refusals',
      403,
      { error: { code: 'contentFilter', message: 'The resource has been temporarily blocked.' } },
      'credentials_refused pause unpaid',
    ],

    [
      'no quota',
      429,
      openai('insufficient_quota', 'You exceeded your current quota.', 'insufficient_quota'),
      'quota_exhausted pause unpaid',
    ],
    [
      'no quota by type alone',
      429,
      openai(null, 'No.', 'insufficient_quota'),
      'quota_exhausted pause unpaid',
    ],
    ['no credit', 429, openai('credit_balance_exhausted'), 'quota_exhausted pause unpaid'],
    [
      'a limit of the organization',
      429,
      openai('organization_spend_limit_exceeded'),
      'quota_exhausted pause unpaid',
    ],
    [
      'a limit of the project',
      429,
      openai('project_spend_limit_exceeded'),
      'quota_exhausted pause unpaid',
    ],
    [
      'a usage limit',
      429,
      openai('organization_usage_limit_exceeded'),
      'quota_exhausted pause unpaid',
    ],
    [
      'a billing limit as a 400',
      400,
      openai('billing_hard_limit_reached', 'Billing hard limit.'),
      'quota_exhausted pause unpaid',
    ],
    ['payment required', 402, { error: 'insufficient funds' }, 'quota_exhausted pause unpaid'],

    [
      'a rate limit with seconds',
      429,
      openai('rate_limit_exceeded'),
      'rate_limited after 7000 unpaid',
      { 'retry-after': '7' },
    ],
    [
      'a rate limit with milliseconds',
      429,
      openai('rate_limit_exceeded'),
      'rate_limited after 1534 unpaid',
      { 'retry-after-ms': '1534', 'retry-after': '7' },
    ],
    [
      'a rate limit with words',
      429,
      openai('rate_limit_exceeded', `Rate limit ${LIMIT} 1. Please try again in 12s.`),
      'rate_limited after 12000 unpaid',
    ],
    ['a rate limit without a hint', 429, '', 'rate_limited after 5000 unpaid'],
    ['a rate limit in HTML', 429, '<h1>Too many requests</h1>', 'rate_limited after 5000 unpaid'],
    [
      'a limit of zero',
      429,
      openai(
        'rate_limit_exceeded',
        'Rate limit reached on images per min: Limit 0, Used 0, Requested 1.',
      ),
      'request_rejected never unpaid',
    ],
    [
      'a limit of zero in the old form',
      429,
      openai('rate_limit_exceeded', 'Limit: 0/1min. Current: 1/1min.'),
      'request_rejected never unpaid',
    ],
    [
      'more at once than the limit',
      429,
      openai('rate_limit_exceeded', `Rate limit ${LIMIT} 10. Please try again in 12s.`),
      'request_rejected never unpaid',
    ],
    [
      'as many at once as the limit',
      429,
      openai('rate_limit_exceeded', `Rate limit ${LIMIT} 5. Please try again in 12s.`),
      'rate_limited after 12000 unpaid',
    ],
    [
      'a limit with thousands',
      429,
      openai(
        'rate_limit_exceeded',
        'on tokens: Limit 100,000, Used 99,000, Requested 5,000. Please try again in 2s.',
      ),
      'rate_limited after 2000 unpaid',
    ],
    ['a slow down', 503, openai('slow_down', 'Slow Down'), 'rate_limited after 5000 unpaid'],
    [
      'a slow down with a hint',
      503,
      openai(null, 'Slow down, please.'),
      'rate_limited after 30000 unpaid',
      { 'retry-after': '30' },
    ],

    [
      'a fault',
      500,
      openai('server_error', 'An error occurred while processing your request.'),
      'api_unavailable backoff unpaid',
    ],
    ['overload', 503, openai(null, 'Overloaded.'), 'api_unavailable backoff unpaid'],
    ['overload in HTML', 503, '<html><title>503</title></html>', 'api_unavailable backoff unpaid'],
    ['a gateway that never reached the server', 522, '', 'api_unavailable backoff unpaid'],
    ['a timeout of ours on their side', 408, '', 'api_unavailable backoff unpaid'],
    ['a conflict', 409, openai(null), 'api_unavailable backoff unpaid'],

    [
      'a bad gateway',
      502,
      '<html><title>502 Bad Gateway</title></html>',
      'outcome_unknown unknown presumed-paid',
    ],
    ['a gateway timeout', 504, '', 'outcome_unknown unknown presumed-paid'],
    ['a timeout of Cloudflare', 524, 'error code: 524', 'outcome_unknown unknown presumed-paid'],
    ['an unknown error of Cloudflare', 520, '', 'outcome_unknown unknown presumed-paid'],

    [
      'a fault that asks not to be retried',
      500,
      '',
      'request_rejected never unpaid',
      { 'x-should-retry': 'false' },
    ],
    [
      'a rate limit that asks not to be retried',
      429,
      openai('rate_limit_exceeded'),
      'rate_limited after 5000 unpaid',
      { 'x-should-retry': 'false' },
    ],
    [
      'a rate limit with a wait that asks not to be retried',
      429,
      openai('rate_limit_exceeded'),
      'rate_limited after 7000 unpaid',
      { 'x-should-retry': 'false', 'retry-after': '7' },
    ],
    [
      'a rejection that asks to be retried',
      400,
      openai(null),
      'api_unavailable backoff unpaid',
      { 'x-should-retry': 'true' },
    ],
    [
      'a refusal that asks to be retried',
      400,
      openai('moderation_blocked'),
      'content_refused never unpaid',
      { 'x-should-retry': 'true' },
    ],
    [
      'no quota that asks to be retried',
      429,
      openai('insufficient_quota'),
      'quota_exhausted pause unpaid',
      { 'x-should-retry': 'true' },
    ],
    [
      'a lost call that asks not to be retried',
      504,
      '',
      'outcome_unknown unknown presumed-paid',
      { 'x-should-retry': 'false' },
    ],
    [
      'a lost call that asks to be retried',
      504,
      '',
      'outcome_unknown unknown presumed-paid',
      { 'x-should-retry': 'true' },
    ],

    [
      'a refusal with status 200',
      200,
      openai('moderation_blocked'),
      'content_refused never unpaid',
    ],
    [
      'a rate limit with status 200',
      200,
      openai('rate_limit_exceeded'),
      'rate_limited after 7000 unpaid',
      { 'retry-after': '7' },
    ],
    ['a rate limit by number', 200, { error: { code: 429 } }, 'rate_limited after 5000 unpaid'],
    [
      'a bad key with status 200',
      200,
      openai('invalid_api_key'),
      'credentials_refused pause unpaid',
    ],
    ['no quota with status 200', 200, openai('insufficient_quota'), 'quota_exhausted pause unpaid'],
    [
      'an unknown code with status 200',
      200,
      openai('odd'),
      'response_broken unknown presumed-paid',
    ],
    ['nothing with status 200', 200, {}, 'response_broken unknown presumed-paid'],
    [
      'a redirect',
      308,
      '',
      'request_rejected never unpaid',
      { location: 'https://evil.example/v1' },
    ],
  ])('%s: %i', (_, status, body, expected, headers = {}) => {
    const { code, advice, callFate } = failure(status, body, headers)

    const wait = advice.retry === 'after' ? ` ${advice.delayMs}` : ''
    expect(`${code} ${advice.retry}${wait} ${callFate}`).toBe(expected)
  })
})

describe('what an error says', () => {
  test('names status, code, meaning and the words of the server', () => {
    const error = failure(400, openai('invalid_value', "Invalid size '1x1'."), {
      'x-request-id': 'req_1',
    })

    expect(error.message).toBe(
      "the Images API answered 400 (invalid_value), the request was rejected: Invalid size '1x1'.",
    )
    expect(error).toMatchObject({ status: 400, requestId: 'req_1', serverCode: 'invalid_value' })
  })

  test('a refusal names stage and categories', () => {
    const error = failure(400, {
      error: {
        code: 'moderation_blocked',
        message: 'Blocked.',
        moderation_details: { moderation_stage: 'output', categories: ['violence', 'self-harm'] },
      },
    })

    expect(error.message).toBe(
      'the Images API answered 400 (moderation_blocked), the content was refused (output stage: violence, self-harm): Blocked.',
    )
  })

  test.each([
    [
      'the title of a page',
      '<html><head><title>502 Bad\nGateway</title></head><body>x</body>',
      '502 Bad Gateway',
    ],
    ['the text of a page without a title', '<h1>Oops</h1><p>down</p>', 'Oops down'],
    ['a bare string', { error: 'model is loading' }, 'model is loading'],
    [
      'the fields of FastAPI',
      {
        detail: [
          { loc: ['body', 'size'], msg: 'bad' },
          { loc: ['body', 'n'], msg: 'low' },
        ],
      },
      'size: bad; n: low',
    ],
    [
      'the message of a gateway',
      { statusCode: 504, message: 'Backend timeout' },
      'Backend timeout',
    ],
    ['plain text', 'upstream connect error', 'upstream connect error'],
  ])('quotes %s', (_, body, words) => {
    expect(failure(504, body).message).toMatch(new RegExp(`: ${words}$`))
  })

  test('says where a redirect pointed, without its query, and what to do', () => {
    expect(failure(307, '', { location: 'https://new.example/v1/images?token=abc' }).message).toBe(
      'the Images API answered 307 and points to https://new.example/v1/images: not followed, because the key would go along; set OPENAI_BASE_URL to the final address',
    )
    expect(failure(302, '', {}).message).toContain('points elsewhere')
  })

  test('never holds a key, neither ours nor one that looks like one', () => {
    const message = 'Bad key very-secret-key or sk-proj-abcdefghijkl at https://x/?sig=abcdef.'

    const errors = [
      failure(401, openai('very-secret-key', message, 'very-secret-key')),
      failure(401, message),
      failure(400, {
        error: {
          code: 'moderation_blocked',
          message: '',
          moderation_details: { categories: ['very-secret-key'] },
        },
      }),
    ]

    expect(errors[0]?.message).toContain('[redacted] or [redacted] at https://x/?sig=[redacted]')
    for (const error of errors) {
      expect(JSON.stringify([error, error.message, error.serverCode])).not.toMatch(
        /very-secret|sk-proj/,
      )
    }
  })

  test('is one short line without control characters', () => {
    const { message } = failure(
      500,
      openai('x\u001b[31m', `a\u001b[2J\nb\u202ec\u0000${'long '.repeat(200)}`),
    )

    expect(message).toMatch(/^the Images API answered 500 \(x \[31m\), .*: a \[2J b c long /)
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(message.length).toBeLessThan(400)
    expect(message.endsWith('…')).toBe(true)
  })

  test('holds no half character where it was cut', () => {
    const { message } = failure(500, openai(null, `x${'🎉'.repeat(300)}`))

    expect(message).not.toMatch(/\p{Cs}/u)
  })

  test('any status and body becomes one of our errors', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((error) => JSON.stringify({ error })),
      fc
        .dictionary(
          fc.constantFrom('code', 'type', 'message', 'inner_error', 'moderation_details', 'detail'),
          fc.jsonValue(),
        )
        .map((error) => JSON.stringify({ error })),
    )
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 999 }), body, (status, text) => {
        const error = failure(status, text)
        expect(error).toBeInstanceOf(RenderError)
        expect(error.message.length).toBeLessThan(1_000)
      }),
    )
  })

  test('a hostile body takes no time to read', () => {
    const startedAt = performance.now()
    for (const part of ['<', '<title', '<title>', '{"a":', 'Limit', 'sk-', '?sig=']) {
      failure(500, part.repeat(Math.floor(65_536 / part.length)))
    }
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
