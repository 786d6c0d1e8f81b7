/**
 * Rate limits per model family: always reported in headers, refused only when a limit of pictures per
 * minute was set. Capacity comes back evenly, as a leaking bucket's does.
 */
import { ApiError, ORGANIZATION } from './api-error.ts'

const MINUTE_MS = 60_000
/** Reported, never enforced: high enough that a client pacing itself by the headers is not slowed down. */
const REQUESTS_PER_MINUTE = 100_000
const TOKENS_PER_MINUTE = 100_000_000
const PICTURES_PER_MINUTE = 100_000

interface Demand {
  model: string
  family: string
  pictures: number
  tokens: number
}

export class RateLimits {
  readonly #picturesPerMinute: number | undefined
  readonly #families = new Map<string, Family>()
  constructor(picturesPerMinute?: number) {
    this.#picturesPerMinute = picturesPerMinute
  }

  /** Books the demand and gives the headers that say what is left; refused, nothing but the request counts. */
  take(
    demand: Demand,
    nowMs = Date.now(),
  ): { headers: Record<string, string>; refusal?: ApiError } {
    const family = this.#familyOf(demand.family)
    family.requests.add(1, nowMs)
    const waitMs =
      this.#picturesPerMinute === undefined ? 0 : family.pictures.waitMs(demand.pictures, nowMs)
    if (waitMs > 0) {
      const refusal = tooManyPictures(demand, family.pictures, waitMs)
      return { headers: headersOf(family), refusal }
    }
    family.pictures.add(demand.pictures, nowMs)
    family.tokens.add(demand.tokens, nowMs)
    return { headers: headersOf(family) }
  }

  #familyOf(name: string): Family {
    const known = this.#families.get(name)
    if (known !== undefined) return known
    const family = {
      requests: new Bucket(REQUESTS_PER_MINUTE),
      tokens: new Bucket(TOKENS_PER_MINUTE),
      pictures: new Bucket(this.#picturesPerMinute ?? PICTURES_PER_MINUTE),
    }
    this.#families.set(name, family)
    return family
  }
}

interface Family {
  requests: Bucket
  tokens: Bucket
  pictures: Bucket
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
    return Math.ceil((this.#used / this.limit) * MINUTE_MS)
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
  const buckets = [
    ['requests', family.requests],
    ['tokens', family.tokens],
    ['input-images', family.pictures],
  ] as const
  return Object.fromEntries(
    buckets.flatMap(([name, bucket]) => [
      [`x-ratelimit-limit-${name}`, String(bucket.limit)],
      [`x-ratelimit-remaining-${name}`, String(bucket.limit - bucket.used)],
      [`x-ratelimit-reset-${name}`, formatDuration(bucket.resetMs)],
    ]),
  )
}

function tooManyPictures(demand: Demand, pictures: Bucket, waitMs: number): ApiError {
  const { model, family, pictures: requested } = demand
  const facts = { limit: pictures.limit, used: pictures.used, requested }
  // More than the limit in one request never fits: no time to come back can be named.
  const headers = waitMs === Infinity ? {} : retryHeaders('retry-after-ms', waitMs)
  return rateLimitError({ model, family, ...facts, waitMs: Math.min(waitMs, MINUTE_MS) }, headers)
}

interface RateLimitFacts {
  model: string
  family: string
  limit: number
  used: number
  requested: number
  /** Told in the message when a header tells it too. */
  waitMs: number
}

export function rateLimitError(facts: RateLimitFacts, headers: Record<string, string>): ApiError {
  const { model, family, limit, used, requested, waitMs } = facts
  const again =
    Object.keys(headers).length === 0 ? '' : ` Please try again in ${formatDuration(waitMs)}.`
  const message = `Rate limit reached for ${model} (for limit ${family}) in organization ${ORGANIZATION} on input-images per min: Limit ${limit}, Used ${used}, Requested ${requested}.${again}`
  return new ApiError(429, { message, type: 'input-images', code: 'rate_limit_exceeded' }, headers)
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
