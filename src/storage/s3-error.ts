/** What a failing S3 server means for a row: wait, or call a person; with the advice that person needs. */
import {
  messageOf,
  RenderError,
  StorageRefusedError,
  StorageRejectedError,
  StorageUnavailableError,
} from '../errors.ts'
import { scrub } from '../logger.ts'

const RENEW_CREDENTIALS =
  'the temporary credentials are no longer valid; renew them and start again'
const OTHER_REGION = 'the bucket is in another region; set AWS_REGION to it'
const ALLOW_KMS = "the bucket's KMS key can't be used; enable it and allow this user to use it"

const REJECTED: Readonly<Record<string, string>> = {
  AccessDenied:
    'permission denied; allow s3:PutObject and s3:GetObject on its objects and s3:ListBucket on the bucket',
  AccountProblem: 'the account has a problem; ask its owner',
  AllAccessDisabled: 'all access to the bucket is disabled; ask its owner',
  AuthorizationHeaderMalformed: OTHER_REGION,
  CredentialsProviderError:
    'no usable AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
  ExpiredToken: RENEW_CREDENTIALS,
  ExpiredTokenException: RENEW_CREDENTIALS,
  IllegalLocationConstraintException: OTHER_REGION,
  InvalidAccessKeyId:
    'this server does not know the AWS_ACCESS_KEY_ID; check it and AWS_ENDPOINT_URL',
  InvalidBucketName: 'this is no bucket name; correct STORAGE_URL',
  InvalidObjectState: 'the object is archived; restore it first',
  InvalidToken: RENEW_CREDENTIALS,
  NoSuchBucket: 'there is no such bucket; create it or correct STORAGE_URL',
  PermanentRedirect: OTHER_REGION,
  RequestTimeTooSkewed: "this machine's clock is wrong; set it",
  SignatureDoesNotMatch: 'the AWS_SECRET_ACCESS_KEY does not belong to the AWS_ACCESS_KEY_ID',
  TokenRefreshRequired: RENEW_CREDENTIALS,
}

/** For answers without a body (HEAD), where the status is all there is. */
const REJECTED_STATUS: Readonly<Record<number, string>> = {
  301: OTHER_REGION,
  400: 'the server does not accept the request; check the region and the credentials',
  403: REJECTED['AccessDenied'] ?? '',
}

/** The body that came is not the one that was announced. */
const DIGEST_MISMATCH = new Set(['BadDigest', 'XAmzContentSHA256Mismatch'])

/** Client errors by their status, but cured by trying again. */
const TRANSIENT = new Set([
  ...DIGEST_MISMATCH,
  'IncompleteBody',
  'OperationAborted',
  'RequestTimeout',
])

/** Of a connection that ended while it was in use. */
const CUT = new Set(['ECONNRESET', 'EPIPE'])

interface SdkError extends Error {
  /** Of Node. */
  code?: string
  /** Of the answer's body. */
  Code?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

/** Errors of the server and of the network become ours; anything else is a bug and stays as it is. */
export function toS3Error(error: unknown, url: string): unknown {
  if (!(error instanceof Error) || error instanceof RenderError) return error
  const { name, code, $metadata } = error as SdkError
  const status = $metadata?.httpStatusCode
  const facts = { cause: error, ...(status !== undefined && { status }) }
  const advice = adviceFor(error)
  if (advice !== undefined) {
    const message = `${url}: ${advice}`
    const isOfThisObject = name === 'InvalidObjectState' || !isKnown(error)
    return isOfThisObject
      ? new StorageRejectedError(message, facts)
      : new StorageRefusedError(message, facts)
  }
  if (status !== undefined) {
    return new StorageUnavailableError(`${url}: the S3 server answered ${status} ${name}`, facts)
  }
  if (code !== undefined || name === 'TimeoutError' || name === 'AbortError') {
    return new StorageUnavailableError(`${url}: can't reach the S3 server: ${error.message}`, facts)
  }
  return error
}

/** What a person must do; undefined when waiting may help. */
function adviceFor(error: SdkError): string | undefined {
  const { name, code = '' } = error
  const status = error.$metadata?.httpStatusCode ?? 0
  if (TRANSIENT.has(name)) return undefined
  const known = REJECTED[name] ?? (name.startsWith('KMS') ? ALLOW_KMS : undefined)
  if (known === OTHER_REGION) return `${known}${regionOf(error)} (${name})`
  if (known !== undefined) return `${known} (${name})`
  if (/CERT|SELF_SIGNED|TLS/.test(code)) {
    return `the server's certificate is not trusted; check AWS_ENDPOINT_URL (${code})`
  }
  if (status < 300 || status === 408 || status === 429 || status >= 500) return undefined
  const guess = error.Code === undefined ? REJECTED_STATUS[status] : undefined
  return `${guess ?? wordsOf(error)} (${status} ${name})`
}

/** An error code we know, or one that the server did not give, speaks of us; an unknown one of this object. */
function isKnown({ name, Code }: SdkError): boolean {
  return name in REJECTED || name.startsWith('KMS') || Code === undefined
}

/** Damaged on the way, which another try cures, or so before it was sent: the file tells. */
export function isDigestMismatch(error: unknown): boolean {
  return DIGEST_MISMATCH.has((error as Error).name)
}

function regionOf({ $response }: SdkError): string {
  const region = $response?.headers?.['x-amz-bucket-region']
  return region === undefined ? '' : `, ${region}`
}

function wordsOf(error: SdkError): string {
  return `the server refuses: ${scrub(messageOf(error)).slice(0, 200)}`
}

type Refusal = 'condition' | 'conflict' | 'cut' | 'unsupported'

const REFUSALS: Readonly<Record<number, Refusal>> = {
  409: 'conflict',
  412: 'condition',
  501: 'unsupported',
}

/**
 * Why a conditional put was not done; undefined when it failed for another reason.
 * - `condition`: it did not hold; also when the object of an If-Match is gone.
 * - `conflict`: another put of the same key was under way; nothing is known yet.
 * - `cut`: the connection ended before an answer came. So it looks, too, when a server refuses at once and does
 *   not wait for the rest of the body.
 * - `unsupported`: the server has no conditional writes.
 */
export function refusalOf(error: unknown): Refusal | undefined {
  const { name, code = '', $metadata } = error as SdkError
  if (CUT.has(code)) return 'cut'
  return name === 'NoSuchKey' ? 'condition' : REFUSALS[$metadata?.httpStatusCode ?? 0]
}
