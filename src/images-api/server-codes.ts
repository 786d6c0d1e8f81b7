/** What the codes and the words of a failed answer mean, whatever its status says. Pure. */
import type { ServerWords } from './server-words.ts'

export type ServerMeaning =
  | 'blocked'
  | 'out-of-quota'
  | 'refused'
  | 'rate-limited'
  | 'bad-credentials'
  | 'no-such-model'
  | 'invalid'

/** The first that fits; undefined leaves the decision to the status. */
export function meaningOf(words: ServerWords, status: number): ServerMeaning | undefined {
  // After repeated refusals Azure locks the whole resource and names the policy: that is no refusal of one row.
  if (BLOCKED_WORDS.test(words.fullMessage)) return 'blocked'
  const known = CODES.find(([, codes]) => hasCode(words, codes))
  if (known !== undefined) return known[0]
  return WORDS.find(
    ([meaning, pattern]) =>
      // Of an account that may call nothing, a policy named in the message is not about this row.
      !(meaning === 'refused' && (status === 401 || status === 403)) &&
      pattern.test(words.fullMessage),
  )?.[0]
}

/** In a 200 or in a stream, where no status helps: the server gave up after it had begun. */
export const isServerFault = (words: ServerWords): boolean =>
  hasCode(words, FAULT_CODES) || /error (occurred )?while processing/i.test(words.fullMessage)

/** A type says less than a code: only where nothing else does may it decide. */
export const isInvalidByType = (words: ServerWords): boolean => hasCode(words, INVALID_TYPES)

/** Relays pass another server's timeout or reset on as an error of their own. */
export const speaksOfLostCall = ({ fullMessage }: ServerWords): boolean =>
  /\btimed?[ -]?out\b|\bconnection (was )?(closed|reset|terminat)|socket hang up|\bEOF\b/i.test(
    fullMessage,
  )

export const speaksOfSlowDown = ({ codes, fullMessage }: ServerWords): boolean =>
  /slow.?down/i.test([...codes, fullMessage].join(' '))

export const isRateLimitCode = (words: ServerWords): boolean => hasCode(words, RATE_CODES)

/** Servers that put the status into the code, as a number or as a string. */
export function statusInCode({ codes }: ServerWords): number | undefined {
  const digits = codes.find((code) => /^[45]\d\d$/.test(code))
  return digits === undefined ? undefined : Number(digits)
}

/** Azure's 404 has a code of its own, and then a number for a code. */
export const isAzureNotFound = ({ codes, fullMessage }: ServerWords): boolean =>
  codes.includes('DeploymentNotFound') ||
  (codes.includes('404') && /^resource not found/i.test(fullMessage))

function hasCode({ codes }: ServerWords, known: ReadonlySet<string>): boolean {
  return codes.some((code) => known.has(code.toLowerCase()))
}

const QUOTA_CODES = new Set([
  'insufficient_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_hard_limit_reached',
  'billing_not_active',
  // Of relays.
  'insufficient_user_quota',
  'insufficient_balance',
])

const REFUSED_CODES = new Set([
  'moderation_blocked',
  'content_policy_violation',
  'image_content_policy_violation',
  'contentfilter',
  'content_filter',
  'responsibleaipolicyviolation',
])

const RATE_CODES = new Set([
  'rate_limit_exceeded',
  'rate_limit_error',
  'ratelimiterror',
  'ratelimitreached',
  'too_many_requests',
  'toomanyrequests',
])

const CREDENTIAL_CODES = new Set([
  'invalid_api_key',
  'invalid_authentication',
  'authentication_error',
  'authenticationerror',
  'account_deactivated',
  'unsupported_country_region_territory',
])

const MODEL_CODES = new Set([
  'model_not_found',
  'model_retired',
  'model_deprecated',
  'model_not_available',
])

/** Nothing was made: the request was not understood, or its pictures could not be used. */
const INVALID_CODES = new Set([
  'invalid_value',
  'invalid_type',
  'invalid_parameter',
  'invalid_size',
  'unknown_parameter',
  'unsupported_parameter',
  'unsupported_value',
  'missing_required_parameter',
  'integer_below_min_value',
  'integer_above_max_value',
  'string_above_max_length',
  'string_too_long',
  'invalid_image',
  'invalid_image_file',
  'invalid_image_format',
  'invalid_base64_image',
  'invalid_image_url',
  'invalid_image_mode',
  'image_too_large',
  'image_too_small',
  'image_parse_error',
  'image_file_too_large',
  'unsupported_image_media_type',
  'empty_image_file',
  'failed_to_download_image',
  'image_file_not_found',
])

const INVALID_TYPES = new Set([
  'invalid_request_error',
  'image_generation_user_error',
  'badrequesterror',
])

const FAULT_CODES = new Set([
  'server_error',
  'internal_error',
  'internal_server_error',
  'internalservererror',
  'api_error',
  'overloaded_error',
  'service_unavailable',
  'timeout',
])

const CODES: readonly (readonly [ServerMeaning, ReadonlySet<string>])[] = [
  ['out-of-quota', QUOTA_CODES],
  ['refused', REFUSED_CODES],
  ['rate-limited', RATE_CODES],
  ['bad-credentials', CREDENTIAL_CODES],
  ['no-such-model', MODEL_CODES],
  ['invalid', INVALID_CODES],
]

const BLOCKED_WORDS = /\btemporarily (blocked|suspended)\b/i

/** Relays wrap an answer into any status, even 500, and lose the code on the way. */
const WORDS: readonly (readonly [ServerMeaning, RegExp])[] = [
  [
    'out-of-quota',
    /exceeded your current quota|billing hard limit|insufficient[ _](quota|balance|credits?|funds)|out of call volume quota/i,
  ],
  [
    'refused',
    /(our|the) safety system|safety_violations=|content ?(management )?policy|generated image was filtered/i,
  ],
  ['rate-limited', /rate limit (is |was )?(reached|exceeded)|too many requests/i],
  [
    'no-such-model',
    /\bmodel\b.{0,120}\b(has been|was|is|been) (retired|deprecated|discontinued|shut ?down|decommissioned)\b/i,
  ],
]
