/**
 * One class per cause, the consequence as data. Whoever knows the cause (the Images API client, a store,
 * a manifest reader) throws one of these; `queue/failure.ts` turns `advice` into what the queue does, and
 * `cli.ts` turns `exitCode` into the process's exit. Nothing else looks at messages to decide.
 */
import type { RowErrorCode } from './what-helps.ts'

/** The process's exit codes, as documented in docs/errors.md. Codes are only ever added. */
export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  rowsFailed: 3,
  manifestInvalid: 4,
  stoppedByLimit: 5,
  serviceUnavailable: 6,
  confirmationNeeded: 7,
  embeddedOwned: 8,
  sigint: 130,
  sigterm: 143,
} as const

/** A failure a person can act on: the message says what is wrong and, after a colon or dash, what to do. */
export abstract class RenderqError extends Error {
  abstract readonly code: string
  abstract readonly exitCode: number
  override get name(): string {
    return this.constructor.name
  }
}

/** Bad flags, settings or environment. Nothing was started. */
export class ConfigError extends RenderqError {
  readonly code = 'config_invalid'
  readonly exitCode = EXIT.usage
}

/**
 * One problem of a manifest, of as many rows as have it. `line` is that of the first one, one-based as an editor shows
 * it; absent when it concerns the file.
 */
export interface ManifestProblem {
  /** The manifest, or the flag that is to blame. */
  file: string
  line?: number
  /** How many rows have it, when there are several. */
  rows?: number
  /** The lines of the first of them. */
  lines?: readonly number[]
  column?: string
  message: string
  /** The nearest accepted value or name, for `(did you mean …)`. */
  suggestion?: string
}

/** The manifest can't be used. Carries every problem found, up to a bound; nothing was sent. */
export class ManifestError extends RenderqError {
  readonly code = 'manifest_invalid'
  readonly exitCode = EXIT.manifestInvalid
  readonly problems: readonly ManifestProblem[]
  /** How many different problems there were; larger than `problems.length` when the list was cut. */
  readonly problemCount: number
  constructor(problems: readonly ManifestProblem[], problemCount = problems.length) {
    super(
      problemCount === 1
        ? 'the manifest has 1 problem; nothing was sent'
        : `the manifest has ${problemCount} problems; nothing was sent`,
    )
    this.problems = problems
    this.problemCount = problemCount
  }
}

/** A service we need (queue, store, Images API) can't be reached or refuses our credentials. */
export class ServiceError extends RenderqError {
  readonly code = 'service_unavailable'
  readonly exitCode = EXIT.serviceUnavailable
}

/** Another living process owns the embedded data. */
export class EmbeddedOwnedError extends RenderqError {
  readonly code = 'embedded_owned'
  readonly exitCode = EXIT.embeddedOwned
}

/**
 * What should happen to a job after an error:
 * - `never`: the same call will fail again; the row has failed.
 * - `backoff`: try again later, costs an attempt; not before `atLeastMs`, where the server named a time.
 * - `after`: the server named the time (ms from now); everyone waits, it costs no attempt.
 * - `later`: this job alone waits so long (ms); costs no attempt.
 * - `pause`: no call can succeed until a person acts; everyone stops, the row goes back unspent.
 * - `unknown`: the call may have been paid; `--on-unknown` decides between one more call and holding. Otherwise
 *   as `backoff`.
 */
export type RetryAdvice =
  | { retry: 'never' }
  | { retry: 'backoff'; atLeastMs?: number }
  | { retry: 'after'; delayMs: number }
  | { retry: 'later'; delayMs: number }
  | { retry: 'pause'; reason: string }
  | { retry: 'unknown'; atLeastMs?: number }

/**
 * What became of the request: it never left, the server surely did not charge for it, or it must be
 * booked as paid because nobody can say.
 */
export const CALL_FATES = ['not-sent', 'unpaid', 'presumed-paid'] as const
export type CallFate = (typeof CALL_FATES)[number]

export interface RenderErrorFacts {
  cause?: unknown
  /** HTTP status, when there was an answer. */
  status?: number
  /** The server's `x-request-id`. */
  requestId?: string
  /** The server's own words, shortened and scrubbed, for the report. */
  serverCode?: string
  /** When the server wants to see this row again, already clamped to a sane range. */
  retryAfterMs?: number
}

/** An error of one row. `code` is stable and appears in results and in docs/errors.md; each has its sentence. */
export abstract class RenderError extends Error {
  abstract readonly code: RowErrorCode
  abstract readonly advice: RetryAdvice
  abstract readonly callFate: CallFate
  readonly status: number | undefined
  readonly requestId: string | undefined
  readonly serverCode: string | undefined
  constructor(message: string, facts: RenderErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.status = facts.status
    this.requestId = facts.requestId
    this.serverCode = facts.serverCode
  }
  override get name(): string {
    return this.constructor.name
  }
}

/** The API refuses the content (moderation). The same input will be refused again. */
export class ContentRefusedError extends RenderError {
  readonly code = 'content_refused'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'unpaid'
}

/** The API rejects the request as invalid (400, 404, 413, 415, 422 without a better class). */
export class RequestRejectedError extends RenderError {
  readonly code = 'request_rejected'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'unpaid'
}

/** Key, organization, project or region refused (401, 403). Stops everyone. */
export class CredentialsRefusedError extends RenderError {
  readonly code = 'credentials_refused'
  readonly callFate: CallFate = 'unpaid'
  get advice(): RetryAdvice {
    return { retry: 'pause', reason: this.message }
  }
}

/** No money left on the account (429 or 400 with a quota code). Stops everyone. */
export class QuotaExhaustedError extends RenderError {
  readonly code = 'quota_exhausted'
  readonly callFate: CallFate = 'unpaid'
  get advice(): RetryAdvice {
    return { retry: 'pause', reason: this.message }
  }
}

/** 429: too fast. `delayMs` is the server's hint, already clamped to a sane range. */
export class RateLimitedError extends RenderError {
  readonly code = 'rate_limited'
  readonly callFate: CallFate = 'unpaid'
  readonly delayMs: number
  constructor(message: string, delayMs: number, facts: RenderErrorFacts = {}) {
    super(message, facts)
    this.delayMs = delayMs
  }
  get advice(): RetryAdvice {
    return { retry: 'after', delayMs: this.delayMs }
  }
}

/** The server says it can't now (500, 503, 409), or it could not be reached before sending. */
export class ApiUnavailableError extends RenderError {
  readonly code = 'api_unavailable'
  readonly advice: RetryAdvice
  readonly callFate: CallFate
  constructor(message: string, facts: RenderErrorFacts & { callFate: 'not-sent' | 'unpaid' }) {
    super(message, facts)
    this.advice = { retry: 'backoff', ...leastWaitOf(facts) }
    this.callFate = facts.callFate
  }
}

/** Sent, but no usable answer came: timeout, reset, cut body, gateway error. May have been paid. */
export class OutcomeUnknownError extends RenderError {
  readonly code = 'outcome_unknown'
  readonly advice: RetryAdvice
  readonly callFate: CallFate = 'presumed-paid'
  /** `isFinal`: the server asks not to be called for it again. */
  constructor(message: string, facts: RenderErrorFacts & { isFinal?: boolean } = {}) {
    super(message, facts)
    this.advice =
      facts.isFinal === true ? { retry: 'never' } : { retry: 'unknown', ...leastWaitOf(facts) }
  }
}

const leastWaitOf = ({ retryAfterMs }: RenderErrorFacts): { atLeastMs?: number } =>
  retryAfterMs === undefined ? {} : { atLeastMs: retryAfterMs }

/** An answer came with a success status but is not what it should be: bad JSON, bad base64, not a picture. */
export class ResponseBrokenError extends RenderError {
  readonly code = 'response_broken'
  readonly advice: RetryAdvice = { retry: 'unknown' }
  readonly callFate: CallFate = 'presumed-paid'
}

/** A result URL doesn't work any more, or never did. Paid, lost, and never bought again by itself. */
export class ResultExpiredError extends RenderError {
  readonly code = 'result_expired'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'presumed-paid'
}

/**
 * A result URL that does not work right now. Paid; the answer waits in the spool, and the URL is tried again
 * until its hour is over.
 */
export class ResultUnavailableError extends RenderError {
  readonly code = 'result_unavailable'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 60_000 }
  readonly callFate: CallFate = 'presumed-paid'
}

/**
 * A result URL that our own rules on URLs forbid. Paid; and as the next answer would lead to the same
 * place, everyone stops.
 */
export class ResultRefusedError extends RenderError {
  readonly code = 'result_refused'
  readonly callFate: CallFate = 'presumed-paid'
  get advice(): RetryAdvice {
    return { retry: 'pause', reason: this.message }
  }
}

/** An input picture can't be had or used. Found before anything was sent. */
export class InputUnusableError extends RenderError {
  readonly code = 'input_unusable'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'not-sent'
}

/** An input picture can't be fetched right now. */
export class InputUnavailableError extends RenderError {
  readonly code = 'input_unavailable'
  readonly advice: RetryAdvice = { retry: 'backoff' }
  readonly callFate: CallFate = 'not-sent'
}

/** The store can't be reached or is failing. Costs no attempt: nothing is sent, and what was paid is in the spool. */
export class StorageUnavailableError extends RenderError {
  readonly code = 'storage_unavailable'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 15_000 }
  readonly callFate: CallFate = 'not-sent'
}

/** The store refuses us: no permission, no bucket, expired credentials. Nothing can be stored, so everyone stops. */
export class StorageRefusedError extends RenderError {
  readonly code = 'storage_refused'
  readonly callFate: CallFate = 'not-sent'
  get advice(): RetryAdvice {
    return { retry: 'pause', reason: this.message }
  }
}

/** The store refuses this object: its key is taken by something that is not ours. */
export class StorageRejectedError extends RenderError {
  readonly code = 'storage_rejected'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'not-sent'
}

/** A file to be stored no longer has the bytes that were hashed: nothing is stored under a digest that is not its own. */
export class FileChangedError extends StorageRejectedError {
  constructor(file: string) {
    super(`${file}, which was to be stored, no longer has the bytes that were hashed`)
  }
}

/** We were told to stop before anything was sent; the job goes back unspent. */
export class InterruptedError extends RenderError {
  readonly code = 'interrupted'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 0 }
  readonly callFate: CallFate = 'not-sent'
}

/** A run that was entered later has put its version of the row in place; this one must not overwrite it. */
export class SupersededError extends RenderError {
  readonly code = 'superseded'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'not-sent'
}

/** The row's run stores elsewhere: a worker with that store must take it. */
export class OtherStoreError extends RenderError {
  readonly code = 'other_store'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 10_000 }
  readonly callFate: CallFate = 'not-sent'
}

/** Everything is stored, only the ledger could not be told; the next delivery finds the record. */
export class LedgerUnavailableError extends RenderError {
  readonly code = 'ledger_unavailable'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 5_000 }
  readonly callFate: CallFate = 'not-sent'
}

/** Somebody paused the row's run. */
export class RunPausedError extends RenderError {
  readonly code = 'run_paused'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 5_000 }
  readonly callFate: CallFate = 'not-sent'
}

/** Another run is buying the same pictures right now; its record will be there soon. */
export class BusyElsewhereError extends RenderError {
  readonly code = 'busy_elsewhere'
  readonly advice: RetryAdvice = { retry: 'later', delayMs: 5_000 }
  readonly callFate: CallFate = 'not-sent'
}

/** What the queue delivered is not a job of ours. The run will add the row again from its stored manifest. */
export class JobInvalidError extends RenderError {
  readonly code = 'job_invalid'
  readonly advice: RetryAdvice = { retry: 'never' }
  readonly callFate: CallFate = 'not-sent'
}

/** The message of anything thrown, without a stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
