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
import { parseUrl } from '../parse-url.ts'
import { retryAfterMsOf, type AnswerHeaders } from './retry-after.ts'
import {
  isAzureNotFound,
  isInvalidByType,
  isRateLimitCode,
  isServerFault,
  meaningOf,
  speaksOfLostCall,
  speaksOfSlowDown,
  statusInCode,
  type ServerMeaning,
} from './server-codes.ts'
import { serverWordsIn, tidyMessage, type ServerWords } from './server-words.ts'

export interface FailedAnswer {
  /** 200 for an error in the body of a success, or in an event of a stream. */
  status: number
  headers: AnswerHeaders
  /** The first 64 kB. */
  body: string
  /** From sending the request to the status. */
  elapsedMs?: number
}

/** A 429 that names no time. */
const RETRY_AFTER_DEFAULT_MS = 5_000

/** A server that fails after working for so long may have made the pictures: the fastest model takes about as long. */
const LONG_WORK_MS = 10_000

export function failureOf(
  answer: FailedAnswer,
  { now = new Date(), secrets = [] as readonly string[] } = {},
): RenderError {
  const words = serverWordsIn(answer.body, secrets)
  const facts = factsOf(answer, words)
  const hintMs = retryAfterMsOf(answer.headers, now, words.fullMessage)
  const says = (meaning: string) => sentence(answer.status, words, meaning)
  const read = { answer, words, facts, hintMs, says }
  const meaning = meaningOf(words, answer.status)
  const failure =
    meaning === undefined ? failureByStatus(answer.status, read) : failureByMeaning(meaning, read)
  return obeyShouldRetry(failure, read)
}

/** What an error says about the answer it was found in. */
export function answerFacts(answer: {
  statusCode: number
  headers: AnswerHeaders
}): RenderErrorFacts {
  const { statusCode: status, headers } = answer
  const requestId = requestIdIn(headers)
  return requestId === undefined ? { status } : { status, requestId }
}

export function requestIdIn(headers: AnswerHeaders): string | undefined {
  // Azure has a name of its own.
  const id = headers['x-request-id'] ?? headers['apim-request-id']
  return (Array.isArray(id) ? id[0] : id)?.slice(0, 200)
}

/** An answer that was read, and what every error made of it needs. */
interface ReadAnswer {
  answer: FailedAnswer
  words: ServerWords
  facts: RenderErrorFacts
  /** When the server wants to see us again, if it says so. */
  hintMs: number | undefined
  says(meaning: string): string
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

function failureByMeaning(meaning: ServerMeaning, read: ReadAnswer): RenderError {
  const { words, facts, says } = read
  switch (meaning) {
    case 'blocked':
      return new CredentialsRefusedError(says('the account is blocked for a while'), facts)
    case 'out-of-quota':
      return new QuotaExhaustedError(says('no money or quota is left on the account'), facts)
    case 'refused': {
      const why = words.moderation === undefined ? '' : ` (${words.moderation})`
      return new ContentRefusedError(says(`the content was refused${why}`), facts)
    }
    case 'rate-limited':
      return rateFailure(read)
    case 'bad-credentials':
      return new CredentialsRefusedError(says('access was refused'), facts)
    case 'no-such-model':
      return new RequestRejectedError(
        says('the model does not exist, was retired or is not open to this account'),
        facts,
      )
    case 'invalid':
      return new RequestRejectedError(says('the request was rejected'), facts)
  }
}

/**
 * Those who passed the request on and lost the server, or gave up waiting: the picture may exist. A plain 408
 * is among them because proxies name so the timeout of the server behind them.
 */
const LOST_STATUSES: ReadonlySet<number> = new Set([408, 499, 502, 504, 520, 524])

function failureByStatus(status: number, read: ReadAnswer): RenderError {
  const { answer, facts, says } = read
  if (status < 300) return hollowSuccess(read)
  if (status < 400) return redirectFailure(answer, facts)
  if (LOST_STATUSES.has(status)) return lostCall(read)
  switch (status) {
    case 401:
      return new CredentialsRefusedError(says('the key was refused'), facts)
    case 402:
      return new QuotaExhaustedError(says('no money is left on the account'), facts)
    case 403:
    case 407:
      return new CredentialsRefusedError(says('access was refused'), facts)
    case 404:
    case 405:
    case 410:
      return new RequestRejectedError(says(nothingThere(read.words)), facts)
    case 409:
    case 425:
      return unavailable('it asks to try again', read)
    case 429:
      return rateFailure(read)
    case 501:
      return new RequestRejectedError(says('the request was rejected'), facts)
    default:
      return status < 500
        ? new RequestRejectedError(says('the request was rejected'), facts)
        : serverFailure(read)
  }
}

/** A success without a picture: a failure in disguise, or nobody knows what. */
function hollowSuccess(read: ReadAnswer): RenderError {
  const { words, facts, says } = read
  const status = statusInCode(words)
  if (isServerFault(words) || (status !== undefined && status >= 500)) return lostCall(read)
  if (status !== undefined) return failureByStatus(status, read)
  return isInvalidByType(words)
    ? new RequestRejectedError(says('the request was rejected'), facts)
    : new ResponseBrokenError(says('the answer holds no picture'), facts)
}

function nothingThere(words: ServerWords): string {
  return isAzureNotFound(words)
    ? 'there is no such deployment, path or API version: check OPENAI_BASE_URL and OPENAI_API_VERSION'
    : 'there is no such address, model or file: if every row says so, check OPENAI_BASE_URL'
}

function serverFailure(read: ReadAnswer): RenderError {
  const { answer, words, facts, hintMs, says } = read
  // "Slow Down" is a rate limit with another number: everyone has to wait, not only this row.
  if (speaksOfSlowDown(words)) {
    return new RateLimitedError(says('too fast'), hintMs ?? RETRY_AFTER_DEFAULT_MS, facts)
  }
  const hasWorked = (answer.elapsedMs ?? 0) >= LONG_WORK_MS
  if (hasWorked || speaksOfLostCall(words)) return lostCall(read)
  return unavailable('it is not available now', read)
}

function lostCall({ facts, hintMs, says }: ReadAnswer): RenderError {
  return new OutcomeUnknownError(says('the outcome is unknown and may have been paid'), {
    ...facts,
    ...waitOf(hintMs),
  })
}

function unavailable(meaning: string, { facts, hintMs, says }: ReadAnswer): RenderError {
  return new ApiUnavailableError(says(meaning), {
    ...facts,
    ...waitOf(hintMs),
    callFate: 'unpaid',
  })
}

const waitOf = (hintMs: number | undefined): RenderErrorFacts =>
  hintMs === undefined ? {} : { retryAfterMs: hintMs }

function rateFailure({ answer, words, facts, hintMs, says }: ReadAnswer): RenderError {
  const never = whyNeverBelowLimit(words.fullMessage)
  if (never !== undefined) return new RequestRejectedError(says(never), facts)
  // A 429 that names no time, no known limit, and asks not to come back is about money under a new name.
  const isFinal = answer.headers['x-should-retry'] === 'false' && hintMs === undefined
  if (isFinal && !isRateLimitCode(words)) {
    return new QuotaExhaustedError(says('a limit of the account that does not pass'), facts)
  }
  return new RateLimitedError(says('too fast'), hintMs ?? RETRY_AFTER_DEFAULT_MS, facts)
}

/** "Limit 0" is a model without access; "Limit 5, … Requested 10" is more at once than ever allowed. */
function whyNeverBelowLimit(message: string): string | undefined {
  const limit = numberAfter('Limit', message)
  if (limit === 0) return 'this account has no access to the model: its limit is 0'
  const requested = numberAfter('Requested', message) ?? 0
  return limit !== undefined && requested > limit
    ? 'the row asks for more at once than the limit of the account, so it can never pass: lower n'
    : undefined
}

function numberAfter(word: string, message: string): number | undefined {
  const digits = new RegExp(`\\b${word}:? ?(\\d[\\d,]*(?:\\.\\d+)?)`, 'i').exec(message)?.[1]
  return digits === undefined ? undefined : Number(digits.replaceAll(',', ''))
}

function redirectFailure({ status, headers }: FailedAnswer, facts: RenderErrorFacts): RenderError {
  const location = headers['location']
  const target = typeof location === 'string' ? parseUrl(location) : undefined
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
function obeyShouldRetry(failure: RenderError, { answer, facts, hintMs }: ReadAnswer): RenderError {
  const shouldRetry = answer.headers['x-should-retry']
  if (shouldRetry === 'false' && failure.advice.retry === 'backoff') {
    return new RequestRejectedError(`${failure.message}; it asks not to try again`, facts)
  }
  if (shouldRetry === 'false' && failure.advice.retry === 'unknown') {
    return new OutcomeUnknownError(`${failure.message}; it asks not to try again`, {
      ...facts,
      isFinal: true,
    })
  }
  if (shouldRetry === 'true' && failure instanceof RequestRejectedError) {
    return new ApiUnavailableError(`${failure.message}; it asks to try again`, {
      ...facts,
      ...waitOf(hintMs),
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
