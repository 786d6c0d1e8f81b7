/** What a failed download means for its row, by what was to be fetched. */
import {
  InputUnavailableError,
  InputUnusableError,
  InterruptedError,
  messageOf,
  ResponseBrokenError,
  ResultExpiredError,
  ResultRefusedError,
  ResultUnavailableError,
  type RenderError,
} from '../errors.ts'
import { scrub } from '../logger.ts'
import { parseUrl } from '../parse-url.ts'
import { AddressRefusedError } from './address-guard.ts'

/**
 * - `refused`: by our own rules on URLs, addresses, redirects and encodings.
 * - `gone`: the server says that this URL gives nothing, or no longer gives what it gave.
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

export function mayPass(error: unknown): boolean {
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
  /** What the last try failed of, when time ran out between two of them. */
  lastFailure?: unknown
}

export function failureOfDownload(error: unknown, circumstances: Circumstances): RenderError {
  const { url, purpose, signal } = circumstances
  const cause: unknown = signal.aborted ? signal.reason : error
  if (purpose === 'result') return failureOfResult(cause, circumstances)
  if (cause instanceof InterruptedError) return cause
  const message = `the input picture ${shownUrl(url)} can't be fetched: ${wordsOf(cause)}`
  return kindOf(cause) === 'failed'
    ? new InputUnavailableError(message, { cause })
    : new InputUnusableError(message, { cause })
}

/** The picture is paid, and its answer in the spool: what may pass is tried again, without another call. */
function failureOfResult(cause: unknown, { url, lastFailure }: Circumstances): RenderError {
  const where = shownUrl(url)
  const words = wordsOf(cause)
  if (cause instanceof InterruptedError) return cause
  switch (kindOf(cause)) {
    case 'gone':
      return new ResultExpiredError(
        `the picture was paid, but its URL no longer works (${words}): ${where}`,
        { cause },
      )
    case 'refused':
      return new ResultRefusedError(
        `the picture was paid, but its URL is refused (${words}): ${where}`,
        { cause },
      )
    case 'too-large':
      return new ResponseBrokenError(`the picture at ${where} is too large: ${words}`, { cause })
    case 'failed': {
      const last = lastFailure === undefined ? '' : `, last: ${wordsOf(lastFailure)}`
      return new ResultUnavailableError(
        `the picture was paid, but its URL keeps failing (${words}${last}): ${where}`,
        { cause },
      )
    }
  }
}

/** Without credentials and without the query, which in a signed URL is as good as a password. */
function shownUrl(text: string): string {
  const url = parseUrl(text)
  if (url === undefined) return 'with a malformed URL'
  const { origin, pathname, protocol } = url
  if (protocol === 'data:') return 'a data: URL'
  return `${origin}${pathname}`.slice(0, 300)
}

function wordsOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  const message = scrub(messageOf(error)).slice(0, 300)
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`
}
