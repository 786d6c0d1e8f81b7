import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openLogger, scrub } from '../../src/logger.ts'

describe('scrub', () => {
  test.each([
    ['key sk-proj-abcDEF_123456 was refused', 'key [redacted] was refused'],
    ['"Bearer sk-abcdefgh"', '"Bearer [redacted]"'],
    ['AKIAIOSFODNN7EXAMPLE is unknown', '[redacted] is unknown'],
    ['https://b.s3/x?X-Amz-Signature=ab12&y=1', 'https://b.s3/x?X-Amz-Signature=[redacted]&y=1'],
    ['https://x/p.png?sv=1&sig=a%2Bb, next', 'https://x/p.png?sv=1&sig=[redacted] next'],
    ['{"url":"https://x?token=abc","n":1}', '{"url":"https://x?token=[redacted]","n":1}'],
  ])('%s becomes %s', (text, expected) => {
    expect(scrub(text)).toBe(expected)
  })

  test.each([
    'a task-oriented desk-lamp-for-reading on a white ground',
    'sk-short',
    'https://shop.example/p.png?size=1024x1024&keyboard=qwerty',
    'size, key=value and token=1 outside of a URL',
  ])('ordinary text stays as it is: %s', (text) => {
    expect(scrub(text)).toBe(text)
  })

  test('a known secret is removed wherever it stands, whatever it looks like', () => {
    // Without letters of "[redacted]", which together with its neighbours could spell the secret again.
    const secret = fc.string({ minLength: 6 }).filter((text) => !/[[\]redact]/.test(text))
    fc.assert(
      fc.property(secret, fc.array(fc.string()), (hidden, pieces) => {
        const clean = pieces.map((piece) => piece.replaceAll(hidden, ''))
        expect(scrub(clean.join(hidden), [hidden])).not.toContain(hidden)
      }),
    )
  })
})

describe('openLogger', () => {
  let lines: string[]
  beforeEach(() => {
    lines = []
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0)
    vi.spyOn(process.stdout, 'write').mockImplementation(() => {
      throw new Error('stdout is for data')
    })
  })
  afterEach(() => void vi.restoreAllMocks())

  const logged = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)

  test('a line is one JSON object on stderr with level, time and message', () => {
    openLogger('info').info({ run: 'run_1', row: 'sku-1' }, 'attempt failed')
    expect(lines.join('')).toMatch(/^[^\n]+\n$/)
    expect(logged()).toEqual([
      { level: 30, time: expect.any(String), run: 'run_1', row: 'sku-1', msg: 'attempt failed' },
    ])
    expect(new Date(String(logged()[0]?.['time'])).getTime()).toBeGreaterThan(0)
  })

  test('what is told of a failure is not dressed up as an error of JavaScript', () => {
    openLogger('info').warn({ err: { code: 'rate_limited', message: 'too fast' } }, 'failed')
    expect(logged()[0]?.['err']).toEqual({ code: 'rate_limited', message: 'too fast' })
    openLogger('info').warn({ err: new TypeError('is no list') }, 'failed')
    expect(logged()[1]?.['err']).toMatchObject({ type: 'TypeError', stack: expect.any(String) })
  })

  test('on a terminal a line is for a person, without secrets too', () => {
    const { isTTY } = process.stderr
    process.stderr.isTTY = true
    try {
      openLogger('info', ['hunter2']).info({ queue: 'hunter2', concurrency: 8 }, 'worker is ready')
    } finally {
      process.stderr.isTTY = isTTY
    }
    expect(lines).toEqual([
      expect.stringMatching(
        /^\d\d:\d\d:\d\d info {2}worker is ready {2}queue=\[redacted\] concurrency=8\n$/,
      ),
    ])
  })

  test('lines below the level are not written, and at silent none is', () => {
    openLogger('warn').info('progress')
    openLogger('silent').error('trouble')
    expect(lines).toEqual([])
    openLogger('warn').warn('trouble')
    expect(lines).toHaveLength(1)
  })

  test('a secret is removed from fields, messages, errors and child loggers', () => {
    const logger = openLogger('debug', ['hunter2'])
    logger.info({ header: 'Bearer hunter2', err: new Error('hunter2 was refused') }, 'is hunter2')
    logger.child({ key: 'hunter2' }).error('sk-canary-12345678')
    expect(lines).toHaveLength(2)
    expect(lines.join('')).not.toMatch(/hunter2|canary/)
    expect(logged()[1]).toMatchObject({ key: '[redacted]', msg: '[redacted]' })
  })
})
