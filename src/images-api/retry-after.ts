/** When a server wants to see us again, wherever it says so. */

/** As `node:http` and undici give them: lower-case names. */
export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>

const RETRY_AFTER_MIN_MS = 1_000
/** A longer hint is a mistake or a daily limit: then looking again four times an hour is cheap. */
const RETRY_AFTER_MAX_MS = 15 * 60_000

/**
 * `retry-after-ms`, then `Retry-After` in seconds or as a date, then the words of the message. Undefined
 * when there is no hint; a hint that makes no sense counts as the shortest wait.
 */
export function retryAfterMsOf(
  headers: AnswerHeaders,
  now: Date,
  message = '',
): number | undefined {
  const inMs = textOf(headers['retry-after-ms'])
  const inSeconds = textOf(headers['retry-after'])
  const hints = [
    numberIn(inMs),
    scale(numberIn(inSeconds), 1_000),
    millisecondsUntil(inSeconds, now),
    durationIn(message),
  ]
  const hint = hints.find((candidate) => candidate !== undefined)
  if (hint !== undefined) return clamp(hint)
  return inMs === undefined && inSeconds === undefined ? undefined : RETRY_AFTER_MIN_MS
}

const clamp = (ms: number): number =>
  Math.round(Math.min(RETRY_AFTER_MAX_MS, Math.max(RETRY_AFTER_MIN_MS, ms)))

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined
}

const scale = (value: number | undefined, factor: number): number | undefined =>
  value === undefined ? undefined : value * factor

/** Only HTTP dates, which end in GMT: Date.parse reads a date into almost anything. */
function millisecondsUntil(text: string | undefined, now: Date): number | undefined {
  const time = text?.trimEnd().endsWith('GMT') === true ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time - now.getTime()
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  milli: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** "Please try again in 1m30s.", "Please retry after 12 seconds." */
function durationIn(message: string): number | undefined {
  const phrase = /(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)? ?[a-z]+ ?){1,4})/i.exec(
    message,
  )
  const parts = [...(phrase?.[1] ?? '').matchAll(/(\d+(?:\.\d+)?) ?(ms|milli|[smhd])/gi)]
  if (parts.length === 0) return undefined
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit?.toLowerCase() ?? ''] ?? 0),
    0,
  )
}
