/** What a failed download means for its row, by what was to be fetched. */
import {
  InputUnavailableError,
  InputUnusableError,
  InterruptedError,
  messageOf,
  OutcomeUnknownError,
  ResponseBrokenError,
  ResultExpiredError,
  type RenderError,
} from '../errors.ts'
import { scrub } from '../logger.ts'
import { AddressRefusedError } from './address-guard.ts'

/**
 * - `refused`: by our own rules on URLs, addresses, redirects and encodings.
 * - `gone`: the server says that this URL gives nothing.
 * - `too-large`: more bytes than allowed.
 * - `failed`: anything that another try may cure.
 */
type Kind = 'refused' | 'gone' | 'too-large' | 'failed'

export class DownloadError extends Error {
  override readonly name = 'DownloadError'
  readonly kind: Kind
  constructor(kind: Kind, message: string) {
    super(message)
    this.kind = kind
  }
}

export function isWorthAnotherTry(error: unknown): boolean {
  return kindOf(error) === 'failed'
}

function kindOf(error: unknown): Kind {
  if (error instanceof AddressRefusedError) return 'refused'
  return error instanceof DownloadError ? error.kind : 'failed'
}

interface Circumstances {
  url: string
  purpose: 'input' | 'result'
  /** Of the download, with its deadline; its reason says why it was cut short. */
  signal: AbortSignal
}

export function failureOfDownload(
  error: unknown,
  { url, purpose, signal }: Circumstances,
): RenderError {
  const cause: unknown = signal.aborted ? signal.reason : error
  if (purpose === 'result') return failureOfResult(cause, url)
  if (cause instanceof InterruptedError) return cause
  const message = `the input picture ${shownUrl(url)} can't be fetched: ${wordsOf(cause)}`
  return kindOf(cause) === 'failed'
    ? new InputUnavailableError(message, { cause })
    : new InputUnusableError(message, { cause })
}

/** Where fetching again is sure to fail again, nothing may say that buying again could help. */
function failureOfResult(cause: unknown, url: string): RenderError {
  const where = shownUrl(url)
  switch (kindOf(cause)) {
    case 'gone':
      return new ResultExpiredError(
        `the picture was paid, but its URL no longer works (${wordsOf(cause)}): ${where}`,
        { cause },
      )
    case 'refused':
      return new ResultExpiredError(
        `the picture was paid, but its URL is refused (${wordsOf(cause)}): ${where}`,
        { cause },
      )
    case 'too-large':
      return new ResponseBrokenError(`the picture at ${where} is too large: ${wordsOf(cause)}`, {
        cause,
      })
    case 'failed':
      return new OutcomeUnknownError(
        `the picture was paid, but its URL could not be fetched (${wordsOf(cause)}): ${where}`,
        { cause },
      )
  }
}

/** Without credentials and without the query, which in a signed URL is as good as a password. */
function shownUrl(text: string): string {
  if (!URL.canParse(text)) return 'with a malformed URL'
  const { origin, pathname } = new URL(text)
  return `${origin}${pathname}`.slice(0, 300)
}

function wordsOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  const message = scrub(messageOf(error)).slice(0, 300)
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`
}
