/**
 * What an answer without success means: the server's code first, then what it says, then the status. Pure,
 * so that each class of failure is one line in a table test.
 */
import {
  ApiUnavailableError,
  ContentRefusedError,
  CredentialsRefusedError,
  OutcomeUnknownError,
  QuotaExhaustedError,
  RateLimitedError,
  RequestRejectedError,
  ResponseBrokenError,
  type RenderError,
  type RenderErrorFacts,
} from '../errors.ts'
import { retryAfterMsOf, type AnswerHeaders } from './retry-after.ts'
import { serverWordsIn, tidyMessage, type ServerWords } from './server-words.ts'

export interface FailedAnswer {
  status: number
  headers: AnswerHeaders
  /** The first 64 kB. */
  body: string
}

/** A 429 that names no time. */
const RETRY_AFTER_DEFAULT_MS = 5_000

const REFUSED_CODES = new Set([
  'moderation_blocked',
  'content_policy_violation',
  'image_content_policy_violation',
  'contentfilter',
  'content_filter',
  'responsibleaipolicyviolation',
])
/** Relays wrap a refusal into any status, even 500, and lose the code on the way. */
const REFUSED_WORDS =
  /(our|the) safety system|safety_violations=|content (management )?policy|generated image was filtered/i

const QUOTA_CODES = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_hard_limit_reached',
  'billing_not_active',
])

/** Some relays report any failure with status 200; then these stand in for 429, 401 and 403. */
const RATE_CODES = new Set(['rate_limit_exceeded', 'rate_limit_error', 'too_many_requests', '429'])
const CREDENTIAL_CODES = new Set([
  'invalid_api_key',
  'invalid_authentication',
  'authentication_error',
  'account_deactivated',
  'unsupported_country_region_territory',
  '401',
  '403',
])

export function failureOf(
  answer: FailedAnswer,
  { now = new Date(), secrets = [] as readonly string[] } = {},
): RenderError {
  const words = serverWordsIn(answer.body, secrets)
  const facts = factsOf(answer, words)
  const failure =
    failureByWords(answer, words, facts) ?? failureByStatus({ answer, words, facts, now })
  return obeyShouldRetry(failure, answer.headers, facts)
}

export function requestIdIn(headers: AnswerHeaders): string | undefined {
  // Azure has a name of its own.
  const id = headers['x-request-id'] ?? headers['apim-request-id']
  return (Array.isArray(id) ? id[0] : id)?.slice(0, 200)
}

function factsOf({ status, headers }: FailedAnswer, { codes }: ServerWords): RenderErrorFacts {
  const requestId = requestIdIn(headers)
  const [serverCode] = codes
  return {
    status,
    ...(requestId === undefined ? {} : { requestId }),
    ...(serverCode === undefined ? {} : { serverCode }),
  }
}

function failureByWords(
  { status }: FailedAnswer,
  words: ServerWords,
  facts: RenderErrorFacts,
): RenderError | undefined {
  if (hasCode(words, QUOTA_CODES)) {
    return new QuotaExhaustedError(
      sentence(status, words, 'no money is left on the account'),
      facts,
    )
  }
  const isRefused = hasCode(words, REFUSED_CODES) || REFUSED_WORDS.test(words.fullMessage)
  // Azure locks a whole resource after repeated refusals: a 403 stays what its status says.
  if (isRefused && status !== 401 && status !== 403) {
    const why = words.moderation === undefined ? '' : ` (${words.moderation})`
    return new ContentRefusedError(sentence(status, words, `the content was refused${why}`), facts)
  }
  return undefined
}

function hasCode({ codes }: ServerWords, known: ReadonlySet<string>): boolean {
  return codes.some((code) => known.has(code.toLowerCase()))
}

interface Classified {
  answer: FailedAnswer
  words: ServerWords
  facts: RenderErrorFacts
  now: Date
}

function failureByStatus(classified: Classified): RenderError {
  const { answer, words, facts } = classified
  const { status } = answer
  const says = (meaning: string): string => sentence(status, words, meaning)
  if (status < 300) return hollowSuccess(classified)
  if (status < 400) return redirectFailure(answer, facts)
  switch (status) {
    case 401:
      return new CredentialsRefusedError(says('the key was refused'), facts)
    case 402:
      return new QuotaExhaustedError(says('no money is left on the account'), facts)
    case 403:
    case 407:
      return new CredentialsRefusedError(says('access was refused'), facts)
    case 404:
      return new RequestRejectedError(says('no such model or address'), facts)
    case 429:
      return rateFailure(classified)
    case 408:
    case 409:
    case 425:
      return new ApiUnavailableError(says('it asks to try again'), { ...facts, callFate: 'unpaid' })
    default:
      return status < 500
        ? new RequestRejectedError(says('the request was rejected'), facts)
        : serverFailure(classified)
  }
}

/** A success without a picture: a failure in disguise, or nobody knows what. */
function hollowSuccess(classified: Classified): RenderError {
  const { answer, words, facts } = classified
  const says = (meaning: string): string => sentence(answer.status, words, meaning)
  if (hasCode(words, RATE_CODES)) return rateFailure(classified)
  if (hasCode(words, CREDENTIAL_CODES)) {
    return new CredentialsRefusedError(says('access was refused'), facts)
  }
  return new ResponseBrokenError(says('the answer holds no picture'), facts)
}

/** Statuses of gateways that lost the server after passing the request on: the picture may exist. */
const LOST_BEHIND_GATEWAY: ReadonlySet<number> = new Set([502, 504, 520, 524])

function serverFailure({ answer, words, facts, now }: Classified): RenderError {
  const { status, headers } = answer
  const says = (meaning: string): string => sentence(status, words, meaning)
  if (LOST_BEHIND_GATEWAY.has(status)) {
    return new OutcomeUnknownError(says('the outcome is unknown and may have been paid'), facts)
  }
  if (status === 501) return new RequestRejectedError(says('the request was rejected'), facts)
  // "Slow Down" is a rate limit with another number: everyone has to wait, not only this row.
  if (/slow.?down/i.test([...words.codes, words.fullMessage].join(' '))) {
    const delayMs = retryAfterMsOf(headers, now, words.fullMessage) ?? RETRY_AFTER_DEFAULT_MS
    return new RateLimitedError(says('too fast'), delayMs, facts)
  }
  return new ApiUnavailableError(says('it is not available now'), { ...facts, callFate: 'unpaid' })
}

function rateFailure({ answer, words, facts, now }: Classified): RenderError {
  const says = (meaning: string): string => sentence(answer.status, words, meaning)
  if (isAboveAnyLimit(words.fullMessage)) {
    const meaning = 'this call is above the limit of the account and can never pass'
    return new RequestRejectedError(says(meaning), facts)
  }
  const delayMs = retryAfterMsOf(answer.headers, now, words.fullMessage) ?? RETRY_AFTER_DEFAULT_MS
  return new RateLimitedError(says('too fast'), delayMs, facts)
}

/** "Limit 0" is a model without access; "Limit 5, … Requested 10" is more at once than ever allowed. */
function isAboveAnyLimit(message: string): boolean {
  const limit = numberAfter('Limit', message)
  const requested = numberAfter('Requested', message) ?? 0
  return limit !== undefined && (limit === 0 || requested > limit)
}

function numberAfter(word: string, message: string): number | undefined {
  const digits = new RegExp(`\\b${word}:? ?(\\d[\\d,]*(?:\\.\\d+)?)`, 'i').exec(message)?.[1]
  return digits === undefined ? undefined : Number(digits.replaceAll(',', ''))
}

function redirectFailure({ status, headers }: FailedAnswer, facts: RenderErrorFacts): RenderError {
  const location = headers['location']
  const target =
    typeof location === 'string' && URL.canParse(location) ? new URL(location) : undefined
  const where =
    target === undefined ? 'elsewhere' : tidyMessage(`to ${target.origin}${target.pathname}`)
  return new RequestRejectedError(
    `the Images API answered ${status} and points ${where}: not followed, because the key would go along; set OPENAI_BASE_URL to the final address`,
    facts,
  )
}

/**
 * `x-should-retry` decides between `never` and `backoff` only. What is known about money, content and
 * credentials stands, and so does the wait of a rate limit: it passes, whatever the header says.
 */
function obeyShouldRetry(
  failure: RenderError,
  headers: AnswerHeaders,
  facts: RenderErrorFacts,
): RenderError {
  const shouldRetry = headers['x-should-retry']
  if (shouldRetry === 'false' && failure.advice.retry === 'backoff') {
    return new RequestRejectedError(`${failure.message}; it asks not to try again`, facts)
  }
  if (shouldRetry === 'true' && failure instanceof RequestRejectedError) {
    return new ApiUnavailableError(`${failure.message}; it asks to try again`, {
      ...facts,
      callFate: 'unpaid',
    })
  }
  return failure
}

function sentence(status: number, { codes, message }: ServerWords, meaning: string): string {
  const codeInBrackets = codes[0] === undefined ? '' : ` (${codes[0]})`
  const saying = message === '' ? '' : `: ${message}`
  return `the Images API answered ${status}${codeInBrackets}, ${meaning}${saying}`
}
