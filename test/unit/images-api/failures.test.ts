import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RenderError } from '../../../src/errors.ts'
import { failureOf, type FailedAnswer } from '../../../src/images-api/failures.ts'
import { AZURE_NOT_FOUND, FAILED_ANSWERS, LIMIT, openai } from './failed-answers.ts'

const NOW = new Date('2026-11-21T12:00:00Z')

const failure = (
  status: number,
  body: unknown,
  ...[headers = {}, elapsedMs = 1_000]: [headers?: FailedAnswer['headers'], elapsedMs?: number]
): RenderError =>
  failureOf(
    { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body), elapsedMs },
    { now: NOW, secrets: ['very-secret-key'] },
  )

describe('what an answer means', () => {
  test.each(FAILED_ANSWERS)(
    '$name: $status',
    ({ status, body = '', headers = {}, elapsedMs, is }) => {
      const error = failure(status, body, headers, elapsedMs)

      expect(consequenceOf(error)).toBe(is)
      // Whoever is stopped reads why.
      if (error.advice.retry === 'pause') expect(error.advice.reason).toBe(error.message)
    },
  )
})

function consequenceOf({ code, advice, callFate }: RenderError): string {
  const after = advice.retry === 'after' ? ` ${advice.delayMs}` : ''
  const atLeast = 'atLeastMs' in advice ? ` ≥${advice.atLeastMs}` : ''
  return `${code} ${advice.retry}${after}${atLeast} ${callFate}`
}

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
    ['an address', 404, '', 'OPENAI_BASE_URL'],
    ['a deployment', 404, AZURE_NOT_FOUND, 'OPENAI_BASE_URL and OPENAI_API_VERSION'],
    ['a model', 404, openai('model_not_found'), 'was retired or is not open to this account'],
    ['access', 429, openai('rate_limit_exceeded', 'Limit: 0/1min.'), 'no access to the model'],
    ['n', 429, openai(null, `Rate limit ${LIMIT} 10.`), 'lower n'],
  ])('points at %s where that is the cause', (_, status, body, expected) => {
    expect(failure(status, body).message).toContain(expected)
  })

  test('a refusal by Azure names its categories', () => {
    const inner_error = {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_results: {
        hate: { filtered: false, severity: 'safe' },
        violence: { filtered: true, severity: 'high' },
        jailbreak: { detected: true, filtered: true },
      },
    }

    expect(
      failure(400, { error: { code: 'BadRequest', message: 'No.', inner_error } }).message,
    ).toBe(
      'the Images API answered 400 (BadRequest), the content was refused (violence, jailbreak): No.',
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
    ['an object of FastAPI', { detail: { message: 'no such thing' } }, 'no such thing'],
    ['a list of errors', { success: false, errors: [{ message: 'worker died' }] }, 'worker died'],
    ['an error in a list', [{ error: { message: 'in a list' } }], 'in a list'],
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
