import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { retryAfterMsOf } from '../../../src/images-api/retry-after.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const MINUTES_15 = 900_000

describe('the wait a server asks for', () => {
  test.each([
    ['milliseconds', { 'retry-after-ms': '1534' }, 1_534],
    ['milliseconds before seconds', { 'retry-after-ms': '2000', 'retry-after': '60' }, 2_000],
    ['seconds', { 'retry-after': '12' }, 12_000],
    ['fractions of a second', { 'retry-after': '1.5' }, 1_500],
    ['more than a minute', { 'retry-after': '65' }, 65_000],
    ['a date', { 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' }, 30_000],
    ['the old form of a date', { 'retry-after': 'Saturday, 21-Nov-26 12:00:30 GMT' }, 30_000],
    ['the first of several headers', { 'retry-after': ['3', '9'] }, 3_000],
    [
      'seconds when the milliseconds are unreadable',
      { 'retry-after-ms': 'soon', 'retry-after': '4' },
      4_000,
    ],
  ])('is read from %s', (_, headers, expected) => {
    expect(retryAfterMsOf(headers, NOW)).toBe(expected)
  })

  test.each([
    ['zero', '0', 1_000],
    ['a negative number', '-5', 1_000],
    ['no number', 'NaN', 1_000],
    ['nothing', '', 1_000],
    ['a word', 'later', 1_000],
    ['a word with a number', '5 apples', 1_000],
    ['a date that is over', 'Thu, 01 Jan 1970 00:00:00 GMT', 1_000],
    ['ten years', '315360000', MINUTES_15],
    ['a number without end', '9'.repeat(400), MINUTES_15],
    ['a date in ten years', 'Sat, 21 Nov 2036 12:00:00 GMT', MINUTES_15],
    ['half a second', '0.5', 1_000],
  ])('is kept sane for %s', (_, header, expected) => {
    expect(retryAfterMsOf({ 'retry-after': header }, NOW)).toBe(expected)
  })

  test.each([
    ['Please try again in 12s. Visit https://x', 12_000],
    ['Please try again in 1m30s.', 90_000],
    ['Please try again in 6m0s.', 360_000],
    ['Please try again in 534ms.', 1_000],
    ['please TRY AGAIN IN 1534ms', 1_534],
    ['Please try again in 7.66s.', 7_660],
    ['Please try again in 1h2m3s.', MINUTES_15],
    ['Please retry after 59 seconds.', 59_000],
    ['retry after 2 minutes 5 seconds', 125_000],
    ['Please try again in 2 days.', MINUTES_15],
    ['try again in 1500 milliseconds', 1_500],
  ])('is read from the message as a last resort: %s', (message, expected) => {
    expect(retryAfterMsOf({}, NOW, message)).toBe(expected)
  })

  test.each([
    'Please try again in a while.',
    'try again in 12 parsecs',
    'Limit 5, Requested 1',
    '',
  ])('is unknown when nobody names one: "%s"', (message) => {
    expect(retryAfterMsOf({}, NOW, message)).toBeUndefined()
  })

  test('headers go before the message', () => {
    expect(retryAfterMsOf({ 'retry-after': '3' }, NOW, 'try again in 12s')).toBe(3_000)
    expect(retryAfterMsOf({ 'retry-after': 'x' }, NOW, 'try again in 12s')).toBe(12_000)
  })

  test('is always between one second and fifteen minutes', () => {
    const header = fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String))
    fc.assert(
      fc.property(header, header, fc.string(), (ms, seconds, message) => {
        const hint = retryAfterMsOf({ 'retry-after-ms': ms, 'retry-after': seconds }, NOW, message)
        expect(hint).toBeGreaterThanOrEqual(1_000)
        expect(hint).toBeLessThanOrEqual(MINUTES_15)
      }),
    )
  })

  test('a hostile message takes no time to read', () => {
    const startedAt = performance.now()
    for (const part of ['try again in 1', '1a', 'a', '1 ', 'retry in 1m']) {
      retryAfterMsOf({}, NOW, `try again in ${part.repeat(30_000)}`)
    }
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
