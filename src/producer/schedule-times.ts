/** When a schedule is due: cron expressions and time zones, read the same way for the queue, for lists and for checks. */
import { CronExpressionParser } from 'cron-parser'

/** The well-known ones; cron-parser's own further macros are not cron's. */
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

/** Two zone switches and their repeated hour are never nearer to each other than this. */
const AROUND_SWITCH_MS = 3 * 3_600_000
/** A tick is found in about 0.1 ms, and all that time nothing else runs in this process. */
const MISSED_TICKS_MAX = 1_000

export interface Clock {
  cron: string
  /** An IANA name. */
  timeZone: string
}

/** As five or six fields, without macros. */
export const patternOf = ({ cron }: Pick<Clock, 'cron'>): string => MACROS[cron] ?? cron

/** What is wrong with the expression, in words; undefined when it may be used. */
export function checkCron(cron: string, { allowSeconds = false } = {}): string | undefined {
  const fields = patternOf({ cron }).trim().split(/\s+/)
  if (fields.length !== 5 && !(allowSeconds && fields.length === 6)) return ACCEPTED_CRON
  // A hash is a random minute that would differ from process to process.
  if (fields.some((field) => /(^|,)h/i.test(field))) return 'H is not taken: name the minute'
  try {
    CronExpressionParser.parse(fields.join(' '), { tz: 'UTC' }).next()
    return undefined
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `${ACCEPTED_CRON} (${reason.replace(/^(Constraint|Validation) error, /, '')})`
  }
}

export const ACCEPTED_CRON = `must be five fields (minute, hour, day, month, weekday) or one of ${Object.keys(MACROS).join(', ')}`

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '' && !/^[+-]/.test(name)
  } catch {
    return false
  }
}

/**
 * Every tick later than `after` (Unix ms), in order. Where clocks are set back, a time that comes twice is due the
 * first time only; cron-parser keeps to that only when it begins before the switch, so this does.
 */
function* ticksAfter(clock: Clock, after: number): Generator<number> {
  const early = after - AROUND_SWITCH_MS
  const from = offsetAt(early, clock) === offsetAt(after, clock) ? after : early
  const options = { tz: clock.timeZone, currentDate: new Date(from) }
  const times = CronExpressionParser.parse(patternOf(clock), options)
  for (;;) {
    const at = times.next().getTime()
    if (at > after) yield at
  }
}

export function nextTicks(clock: Clock, after: number, count: number): number[] {
  const found: number[] = []
  for (const at of ticksAfter(clock, after)) {
    found.push(at)
    if (found.length === count) break
  }
  return found
}

export const isTick = (clock: Clock, at: number): boolean => nextTicks(clock, at - 1, 1)[0] === at

/** Of the ticks from `dueAt` to `now` the last, and how many came before it. Looks no further than some hundred. */
export function lastTick(
  clock: Clock,
  { dueAt, now }: { dueAt: number; now: number },
): { at: number; missedCount: number } {
  let at = dueAt
  let missedCount = 0
  for (const later of ticksAfter(clock, dueAt)) {
    if (later > now || missedCount === MISSED_TICKS_MAX) break
    at = later
    missedCount += 1
  }
  return { at, missedCount }
}

/** `2026-11-22 02:30 +01:00` */
export function formatTime(at: number, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(at)
  const { year, month, day, hour, minute, second } = Object.fromEntries(
    parts.map(({ type, value }) => [type, value]),
  )
  const seconds = second === '00' ? '' : `:${second}`
  return `${year}-${month}-${day} ${hour}:${minute}${seconds} ${offsetAt(at, { timeZone })}`
}

/** `+01:00`, or `UTC` where there is none. */
function offsetAt(at: number, { timeZone }: Pick<Clock, 'timeZone'>): string {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  return name.replace(/^GMT(\+00:00)?/, '') || 'UTC'
}
