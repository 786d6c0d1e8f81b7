/**
 * Rate limits per model family: always reported in headers, refused only where a limit was set. Capacity
 * comes back evenly, as a leaking bucket's does.
 */
import { ApiError, ORGANIZATION } from './api-error.ts'

const MINUTE_MS = 60_000

export interface RateLimitSettings {
  requestsPerMinute?: number | undefined
  tokensPerMinute?: number | undefined
  imagesPerMinute?: number | undefined
}

/** By their names in headers and errors, in the order they are looked at. */
const LIMIT_NAMES = ['requests', 'tokens', 'input-images'] as const
export type LimitName = (typeof LIMIT_NAMES)[number]

/** What is reported where no limit was set: a client pacing itself by the headers is not slowed down. */
const UNLIMITED: Readonly<Record<LimitName, number>> = {
  requests: 100_000,
  tokens: 100_000_000,
  'input-images': 100_000,
}

interface Demand {
  model: string
  family: string
  pictures: number
  tokens: number
}

type Family = Readonly<Record<LimitName, Bucket>>

export class RateLimits {
  readonly #perMinute: Readonly<Record<LimitName, number | undefined>>
  readonly #families = new Map<string, Family>()
  constructor({ requestsPerMinute, tokensPerMinute, imagesPerMinute }: RateLimitSettings = {}) {
    this.#perMinute = {
      requests: requestsPerMinute,
      tokens: tokensPerMinute,
      'input-images': imagesPerMinute,
    }
  }

  /** Books the demand and gives the headers that say what is left; refused, nothing but the request counts. */
  take(
    demand: Demand,
    nowMs = Date.now(),
  ): { headers: Record<string, string>; refusal?: ApiError } {
    const family = this.#familyOf(demand.family)
    const amounts = { requests: 1, tokens: demand.tokens, 'input-images': demand.pictures }
    const full = LIMIT_NAMES.find(
      (name) =>
        this.#perMinute[name] !== undefined && family[name].waitMs(amounts[name], nowMs) > 0,
    )
    const booked =
      full === undefined ? LIMIT_NAMES : full === 'requests' ? [] : ['requests' as const]
    const refusal =
      full === undefined ? {} : { refusal: overLimit(demand, full, { family, amounts, nowMs }) }
    for (const name of booked) family[name].add(amounts[name], nowMs)
    return { headers: headersOf(family), ...refusal }
  }

  #familyOf(name: string): Family {
    const known = this.#families.get(name)
    if (known !== undefined) return known
    const bucketOf = (limit: LimitName) => new Bucket(this.#perMinute[limit] ?? UNLIMITED[limit])
    const family = {
      requests: bucketOf('requests'),
      tokens: bucketOf('tokens'),
      'input-images': bucketOf('input-images'),
    }
    this.#families.set(name, family)
    return family
  }
}

class Bucket {
  readonly limit: number
  #used = 0
  #atMs = 0
  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return Math.min(this.limit, Math.ceil(this.#used))
  }

  get resetMs(): number {
    return this.limit === 0 ? 0 : Math.ceil((this.#used / this.limit) * MINUTE_MS)
  }

  add(amount: number, nowMs: number): void {
    this.#leak(nowMs)
    this.#used += amount
  }

  /** How long until `amount` fits; Infinity when it never can. */
  waitMs(amount: number, nowMs: number): number {
    this.#leak(nowMs)
    if (amount > this.limit) return Infinity
    return Math.max(0, Math.ceil(((this.#used + amount - this.limit) / this.limit) * MINUTE_MS))
  }

  #leak(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#used = Math.max(0, this.#used - (elapsedMs / MINUTE_MS) * this.limit)
    this.#atMs = nowMs
  }
}

function headersOf(family: Family): Record<string, string> {
  return Object.fromEntries(
    LIMIT_NAMES.flatMap((name) => {
      const { limit, used, resetMs } = family[name]
      return [
        [`x-ratelimit-limit-${name}`, String(limit)],
        [`x-ratelimit-remaining-${name}`, String(limit - used)],
        [`x-ratelimit-reset-${name}`, formatDuration(resetMs)],
      ]
    }),
  )
}

function overLimit(
  { model, family: familyName }: Demand,
  name: LimitName,
  { family, amounts, nowMs }: { family: Family; amounts: Record<LimitName, number>; nowMs: number },
): ApiError {
  const { limit, used } = family[name]
  const waitMs = family[name].waitMs(amounts[name], nowMs)
  const facts = { model, family: familyName, name, limit, used, requested: amounts[name] }
  // More than the limit in one request never fits: no time to come back can be named.
  const headers = waitMs === Infinity ? {} : retryHeaders('retry-after-ms', waitMs)
  return rateLimitError({ ...facts, waitMs: Math.min(waitMs, MINUTE_MS) }, headers)
}

interface RateLimitFacts {
  model: string
  family: string
  name: LimitName
  limit: number
  used: number
  requested: number
  /** Told in the message when a header tells it too. */
  waitMs: number
}

const LIMIT_WORDS: Readonly<Record<LimitName, string>> = {
  requests: 'requests per min (RPM)',
  tokens: 'tokens per min (TPM)',
  'input-images': 'input-images per min',
}

export function rateLimitError(facts: RateLimitFacts, headers: Record<string, string>): ApiError {
  const { model, family, name, limit, used, requested, waitMs } = facts
  const again =
    Object.keys(headers).length === 0 ? '' : ` Please try again in ${formatDuration(waitMs)}.`
  const message = `Rate limit reached for ${model} (for limit ${family}) in organization ${ORGANIZATION} on ${LIMIT_WORDS[name]}: Limit ${limit}, Used ${used}, Requested ${requested}.${again}`
  return new ApiError(429, { message, type: name, code: 'rate_limit_exceeded' }, headers)
}

type RetryHint = 'retry-after-ms' | 'retry-after' | 'http-date' | 'none'

/** Whole seconds are rounded up: a client that obeys them never comes too early. */
export function retryHeaders(hint: RetryHint, waitMs: number): Record<string, string> {
  const seconds = String(Math.ceil(waitMs / 1_000))
  switch (hint) {
    case 'retry-after-ms':
      return { 'retry-after-ms': String(Math.ceil(waitMs)), 'retry-after': seconds }
    case 'retry-after':
      return { 'retry-after': seconds }
    case 'http-date': {
      const atMs = Math.ceil((Date.now() + waitMs) / 1_000) * 1_000
      return { 'retry-after': new Date(atMs).toUTCString() }
    }
    case 'none':
      return {}
  }
}

/** `120ms`, `1.5s`, `6m0s`: the way the API writes them. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`
  if (ms < MINUTE_MS) return `${Math.ceil(ms) / 1_000}s`
  const seconds = Math.ceil(ms / 1_000)
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
