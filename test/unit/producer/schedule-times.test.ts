import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkCron,
  formatTime,
  isTick,
  isTimeZone,
  lastTick,
  nextTicks,
  type Clock,
} from '../../../src/producer/schedule-times.ts'

const at = (iso: string) => Date.parse(iso)
const isoOf = (times: number[]) => times.map((time) => new Date(time).toISOString())
const berlin = (cron: string): Clock => ({ cron, timeZone: 'Europe/Berlin' })

describe('an expression', () => {
  test.each([
    '30 2 * * *',
    '*/15 8-18 * * 1-5',
    '0 0 1,15 * *',
    '0 9 * * mon',
    '0 0 29 2 *',
    '@yearly',
    '@annually',
    '@monthly',
    '@weekly',
    '@daily',
    '@midnight',
    '@hourly',
  ])('%s is taken', (cron) => {
    expect(checkCron(cron)).toBeUndefined()
  })

  test.each([
    ['', 'must be five fields'],
    ['* * * *', 'must be five fields'],
    ['* * * * * *', 'must be five fields'],
    ['@nightly', 'must be five fields'],
    ['@secondly', 'must be five fields'],
    ['61 2 * * *', 'got value 61 expected range 0-59'],
    ['0 2 31 2 *', 'Invalid explicit day of month'],
    ['*/0 * * * *', 'cannot repeat at every 0 time'],
    ['H 2 * * *', 'H is not taken'],
    ['every night at two please', 'must be five fields'],
  ])('%j is refused', (cron, why) => {
    expect(checkCron(cron)).toContain(why)
  })

  test('seconds are for tests alone', () => {
    expect(checkCron('*/2 * * * * *', { allowSeconds: true })).toBeUndefined()
    expect(checkCron('*/2 * * * *', { allowSeconds: true })).toBeUndefined()
  })
})

test.each([
  ['Europe/Berlin', true],
  ['UTC', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Europe/Berln', false],
  ['+01:00', false],
  ['', false],
])('the zone %j: %s', (name, isOne) => {
  expect(isTimeZone(name)).toBe(isOne)
})

test('macros are those times in the zone', () => {
  const now = at('2026-11-20T12:00:00Z')

  expect(isoOf(nextTicks(berlin('@midnight'), now, 1))).toEqual(['2026-11-20T23:00:00.000Z'])
  expect(isoOf(nextTicks(berlin('@hourly'), now, 1))).toEqual(['2026-11-20T13:00:00.000Z'])
  expect(isoOf(nextTicks(berlin('@weekly'), now, 1))).toEqual(['2026-11-21T23:00:00.000Z'])
})

describe('when clocks are set forward (02:00 is 03:00)', () => {
  test('02:30 is due at 03:30, once', () => {
    const ticks = nextTicks(berlin('30 2 * * *'), at('2027-03-26T12:00:00Z'), 3)

    expect(isoOf(ticks)).toEqual([
      '2027-03-27T01:30:00.000Z',
      '2027-03-28T01:30:00.000Z',
      '2027-03-29T00:30:00.000Z',
    ])
    expect(formatTime(ticks[1]!, 'Europe/Berlin')).toBe('2027-03-28 03:30 +02:00')
  })

  test('it is found as well by who looks within that hour', () => {
    const [next] = nextTicks(berlin('30 2 * * *'), at('2027-03-28T01:10:00Z'), 1)

    expect(isoOf([next!])).toEqual(['2027-03-28T01:30:00.000Z'])
  })
})

describe('when clocks are set back (03:00 is 02:00)', () => {
  const first = at('2026-10-25T00:30:00Z')
  const second = at('2026-10-25T01:30:00Z')

  test('02:30 is due the first time only', () => {
    expect(isoOf(nextTicks(berlin('30 2 * * *'), at('2026-10-24T12:00:00Z'), 2))).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
    expect(formatTime(first, 'Europe/Berlin')).toBe('2026-10-25 02:30 +02:00')
  })

  test('whoever looks between the two finds tomorrow', () => {
    const [next] = nextTicks(berlin('30 2 * * *'), at('2026-10-25T01:10:00Z'), 1)

    expect(isoOf([next!])).toEqual(['2026-10-26T01:30:00.000Z'])
  })

  test('the second time is no tick, the first is', () => {
    expect(isTick(berlin('30 2 * * *'), first)).toBe(true)
    expect(isTick(berlin('30 2 * * *'), second)).toBe(false)
  })

  test('what is due every hour is due in both', () => {
    expect(isTick(berlin('30 * * * *'), first)).toBe(true)
    expect(isTick(berlin('30 * * * *'), second)).toBe(true)
  })
})

describe('of ticks that passed', () => {
  const hourly = { cron: '0 * * * *', timeZone: 'UTC' }
  const dueAt = at('2026-11-20T02:00:00Z')

  test('the last one is taken, the others are counted', () => {
    expect(lastTick(hourly, { dueAt, now: at('2026-11-20T05:10:00Z') })).toEqual({
      at: at('2026-11-20T05:00:00Z'),
      missedCount: 3,
    })
  })

  test('one that is in time is taken itself', () => {
    const now = at('2026-11-20T02:00:02Z')

    expect(lastTick(hourly, { dueAt, now })).toEqual({ at: dueAt, missedCount: 0 })
  })

  test('a year of minutes is not counted to its end', () => {
    const { missedCount } = lastTick(
      { cron: '* * * * *', timeZone: 'UTC' },
      { dueAt, now: dueAt + 365 * 86_400_000 },
    )

    expect(missedCount).toBe(1_000)
  })
})

/** Where clocks jump forward and back. */
const SWITCHES = [
  ['Europe/Berlin', '2027-03-28T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2027-03-14T07:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Asia/Kolkata', '2026-10-25T01:00:00Z'],
] as const

test('around any switch of clocks, what is found next is a tick, later, and the same from just before it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...SWITCHES),
      fc.constantFrom('30 2 * * *', '*/20 1-3 * * *', '15 * * * *', '0 0 * * 0'),
      fc.integer({ min: -10 * 3_600_000, max: 10 * 3_600_000 }),
      ([timeZone, switchAt], cron, offset) => {
        const clock = { cron, timeZone }
        const now = at(switchAt) + offset
        const [first = 0, second = 0] = nextTicks(clock, now, 2)
        expect(first).toBeGreaterThan(now)
        expect(second).toBeGreaterThan(first)
        expect(isTick(clock, first)).toBe(true)
        expect(nextTicks(clock, first, 1)).toEqual([second])
      },
    ),
    { numRuns: 150 },
  )
})

test('times are shown with their zone', () => {
  const noon = at('2026-11-20T12:00:00Z')

  expect(formatTime(noon, 'UTC')).toBe('2026-11-20 12:00 UTC')
  expect(formatTime(noon + 7_000, 'Asia/Kolkata')).toBe('2026-11-20 17:30:07 +05:30')
})
