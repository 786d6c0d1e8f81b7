/**
 * Every kind of failed answer that is known of OpenAI, Azure, compatible servers, relays and gateways, and what it
 * must become.
 */
import type { FailedAnswer } from '../../../src/images-api/failures.ts'

export const LIMIT = 'on input-images per min: Limit 5, Used 5, Requested'

export const openai = (
  code: string | null,
  message = 'Something.',
  type = 'invalid_request_error',
) => ({
  error: { message, type, param: null, code },
})

const USER_ERROR = 'image_generation_user_error'
export const AZURE_NOT_FOUND = { error: { code: '404', message: 'Resource not found' } }

/** A failed answer and what it must become: `code advice[ delay] fate`. */
interface FailedAnswerRow {
  name: string
  status: number
  body?: unknown
  headers?: FailedAnswer['headers']
  elapsedMs?: number
  is: string
}

const REFUSED = 'content_refused never unpaid'
const REJECTED = 'request_rejected never unpaid'
const CREDENTIALS = 'credentials_refused pause unpaid'
const QUOTA = 'quota_exhausted pause unpaid'
const RATE = 'rate_limited after 5000 unpaid'
const UNAVAILABLE = 'api_unavailable backoff unpaid'
const UNKNOWN = 'outcome_unknown unknown presumed-paid'
const BROKEN = 'response_broken unknown presumed-paid'

/** The content, in whatever status and shape. */
const REFUSALS: readonly FailedAnswerRow[] = [
  {
    name: 'moderation',
    status: 400,
    body: openai('moderation_blocked', 'No.', USER_ERROR),
    is: REFUSED,
  },
  {
    name: 'moderation of DALL-E',
    status: 400,
    body: openai('content_policy_violation'),
    is: REFUSED,
  },
  {
    name: 'moderation of an input picture',
    status: 400,
    body: openai('image_content_policy_violation'),
    is: REFUSED,
  },
  {
    name: 'moderation without a code',
    status: 400,
    body: openai(null, 'Your request was rejected as a result of our safety system.'),
    is: REFUSED,
  },
  {
    name: 'moderation inside a 500',
    status: 500,
    body: openai('server_error', 'Rejected by our safety system. safety_violations=[violence].'),
    is: REFUSED,
  },
  {
    name: 'moderation inside a 500, in other words',
    status: 500,
    body: { detail: 'The prompt was rejected by the safety system.' },
    is: REFUSED,
  },
  { name: 'moderation inside a 502', status: 502, body: openai('moderation_blocked'), is: REFUSED },
  {
    name: 'moderation by code inside a 403',
    status: 403,
    body: openai('moderation_blocked'),
    is: REFUSED,
  },
  {
    name: 'moderation on Azure',
    status: 400,
    body: {
      error: {
        code: 'contentFilter',
        message: 'Your task failed as a result of our safety system.',
      },
    },
    is: REFUSED,
  },
  {
    name: 'moderation on Azure, of the result',
    status: 400,
    body: {
      error: {
        code: 'contentFilter',
        message: 'Generated image was filtered as a result of our safety system.',
      },
    },
    is: REFUSED,
  },
  {
    name: 'moderation inside an inner error',
    status: 400,
    body: {
      error: {
        code: 'BadRequest',
        message: 'No.',
        inner_error: { code: 'ResponsibleAIPolicyViolation' },
      },
    },
    is: REFUSED,
  },
  {
    name: 'moderation inside an inner error in one word',
    status: 400,
    body: {
      error: { code: 'content_filtered', message: 'No.', innererror: { code: 'content_filter' } },
    },
    is: REFUSED,
  },
  {
    name: 'moderation by a message of a gateway',
    status: 422,
    body: { detail: 'Generated image was filtered.' },
    is: REFUSED,
  },
  {
    name: 'moderation through LiteLLM',
    status: 400,
    body: {
      error: {
        message:
          "litellm.BadRequestError: OpenAIException - {'error': {'message': 'No.', 'code': 'moderation_blocked'}}",
        type: null,
        param: null,
        code: '400',
      },
    },
    is: REFUSED,
  },
  {
    name: 'moderation by a class of LiteLLM',
    status: 400,
    body: {
      error: { message: 'litellm.ContentPolicyViolationError: No.', type: null, code: '400' },
    },
    is: REFUSED,
  },
]

/** The request: the same one will fail again. */
const REJECTIONS: readonly FailedAnswerRow[] = [
  {
    name: 'a bad value',
    status: 400,
    body: openai('invalid_value', 'Invalid size.', USER_ERROR),
    is: REJECTED,
  },
  {
    name: 'a bad combination without a code',
    status: 400,
    body: openai(null, 'Streaming must have non-zero partial images.', USER_ERROR),
    is: REJECTED,
  },
  {
    name: 'an unknown parameter',
    status: 400,
    body: openai('unknown_parameter', "Unknown parameter: 'style'."),
    is: REJECTED,
  },
  {
    name: 'a bad media type',
    status: 400,
    body: openai(null, "unsupported mimetype ('application/octet-stream')"),
    is: REJECTED,
  },
  { name: 'a bad file', status: 400, body: openai('invalid_image_file'), is: REJECTED },
  {
    name: 'a bad value inside a 500 of a relay',
    status: 500,
    body: openai('invalid_value', 'Invalid size.', 'shell_api_error'),
    is: REJECTED,
  },
  {
    name: 'an unknown model',
    status: 404,
    body: openai('model_not_found', 'The model does not exist.'),
    is: REJECTED,
  },
  { name: 'an unknown model as a 400', status: 400, body: openai('model_not_found'), is: REJECTED },
  {
    name: 'a model that is closed to a project',
    status: 403,
    body: openai('model_not_found', 'Project proj_1 does not have access to model x.'),
    is: REJECTED,
  },
  {
    name: 'a retired model',
    status: 404,
    body: openai(null, 'The model `gpt-image-1` has been deprecated.'),
    is: REJECTED,
  },
  { name: 'a retired model as a 410', status: 410, body: '', is: REJECTED },
  { name: 'a wrong address on Azure', status: 404, body: AZURE_NOT_FOUND, is: REJECTED },
  {
    name: 'a missing deployment on Azure',
    status: 404,
    body: {
      error: {
        code: 'DeploymentNotFound',
        message: 'The API deployment for this resource does not exist.',
      },
    },
    is: REJECTED,
  },
  {
    name: 'a page of a wrong server',
    status: 404,
    body: '<html><title>404 Not Found</title></html>',
    is: REJECTED,
  },
  { name: 'a wrong method', status: 405, body: openai('method_not_supported'), is: REJECTED },
  {
    name: 'an upload that is too large',
    status: 413,
    body: '<html><title>413 Request Entity Too Large</title></html>',
    is: REJECTED,
  },
  { name: 'a bad upload', status: 415, body: '', is: REJECTED },
  {
    name: 'a field that FastAPI refuses',
    status: 422,
    body: { detail: [{ loc: ['body', 'size'], msg: 'bad size' }] },
    is: REJECTED,
  },
  { name: 'an unknown status of the 400s', status: 418, body: '', is: REJECTED },
  { name: 'an unknown code', status: 400, body: openai('brand_new_code'), is: REJECTED },
  { name: 'a method that is not offered', status: 501, body: '', is: REJECTED },
  {
    name: 'a limit of zero',
    status: 429,
    body: openai(
      'rate_limit_exceeded',
      'Rate limit reached on images per min: Limit 0, Used 0, Requested 1.',
    ),
    is: REJECTED,
  },
  {
    name: 'a limit of zero in the old form',
    status: 429,
    body: openai('rate_limit_exceeded', 'Limit: 0/1min. Current: 1/1min.'),
    is: REJECTED,
  },
  {
    name: 'more at once than the limit',
    status: 429,
    body: openai('rate_limit_exceeded', `Rate limit ${LIMIT} 10. Please try again in 12s.`),
    is: REJECTED,
  },
  {
    name: 'a redirect',
    status: 308,
    headers: { location: 'https://evil.example/v1' },
    is: REJECTED,
  },
]

/** The account: nobody's call can succeed. */
const PAUSES: readonly FailedAnswerRow[] = [
  {
    name: 'a bad key',
    status: 401,
    body: openai('invalid_api_key', 'Incorrect API key provided.'),
    is: CREDENTIALS,
  },
  {
    name: 'a bad key on Azure',
    status: 401,
    body: {
      error: {
        code: '401',
        message: 'Access denied due to invalid subscription key or wrong API endpoint.',
      },
    },
    is: CREDENTIALS,
  },
  {
    name: 'a network that is not allowed',
    status: 401,
    body: openai(null, 'Your IP is not authorized.'),
    is: CREDENTIALS,
  },
  {
    name: 'a bad key of a relay inside a 500',
    status: 500,
    body: openai('invalid_api_key'),
    is: CREDENTIALS,
  },
  {
    name: 'an unverified organization',
    status: 403,
    body: openai(null, 'Your organization must be verified.'),
    is: CREDENTIALS,
  },
  {
    name: 'a country that is not served',
    status: 403,
    body: openai('unsupported_country_region_territory'),
    is: CREDENTIALS,
  },
  {
    name: 'a resource that Azure has blocked',
    status: 403,
    body: {
      error: {
        code: '403',
        message:
          'Your resource has been temporarily blocked because we detected behavior that may violate our content policy.',
      },
    },
    is: CREDENTIALS,
  },
  {
    name: 'a resource that Azure has blocked, with the code of a refusal',
    status: 403,
    body: {
      error: { code: 'content_filter', message: 'The resource has been temporarily blocked.' },
    },
    is: CREDENTIALS,
  },
  {
    name: 'an account that broke the policy',
    status: 403,
    body: openai(null, 'Terminated: violation of our content policy.'),
    is: CREDENTIALS,
  },
  { name: 'a proxy that wants to know us', status: 407, body: '', is: CREDENTIALS },
  {
    name: 'no quota',
    status: 429,
    body: openai('insufficient_quota', 'You exceeded your current quota.'),
    is: QUOTA,
  },
  {
    name: 'no quota by type alone',
    status: 429,
    body: openai(null, 'No.', 'insufficient_quota'),
    is: QUOTA,
  },
  {
    name: 'no quota in words alone',
    status: 429,
    body: {
      error: {
        message: 'litellm.RateLimitError: You exceeded your current quota, please check your plan.',
        type: null,
        code: '429',
      },
    },
    is: QUOTA,
  },
  { name: 'no quota of a relay', status: 403, body: openai('insufficient_user_quota'), is: QUOTA },
  {
    name: 'no quota of a gateway',
    status: 403,
    body: {
      statusCode: 403,
      message: 'Out of call volume quota. Quota will be replenished in 2.12:36:38.',
    },
    is: QUOTA,
  },
  { name: 'no credit', status: 429, body: openai('credit_balance_exhausted'), is: QUOTA },
  {
    name: 'a limit of the organization',
    status: 429,
    body: openai('organization_spend_limit_exceeded', 'No.', 'insufficient_quota'),
    is: QUOTA,
  },
  {
    name: 'a limit of the project',
    status: 429,
    body: openai('project_spend_limit_exceeded'),
    is: QUOTA,
  },
  {
    name: 'a usage limit',
    status: 429,
    body: openai('organization_usage_limit_exceeded'),
    is: QUOTA,
  },
  {
    name: 'a billing limit as a 400',
    status: 400,
    body: openai('billing_hard_limit_reached', 'Billing hard limit.'),
    is: QUOTA,
  },
  {
    name: 'a billing limit as a 429',
    status: 429,
    body: openai('billing_hard_limit_reached'),
    is: QUOTA,
  },
  { name: 'payment required', status: 402, body: { error: 'pay' }, is: QUOTA },
]

/** Too fast: everyone waits, no attempt is spent. */
const RATES: readonly FailedAnswerRow[] = [
  {
    name: 'a rate limit with seconds',
    status: 429,
    body: openai('rate_limit_exceeded', '.', 'requests'),
    headers: { 'retry-after': '7' },
    is: 'rate_limited after 7000 unpaid',
  },
  {
    name: 'a rate limit with more than a minute',
    status: 429,
    body: openai('rate_limit_exceeded', '.', 'tokens'),
    headers: { 'retry-after': '65' },
    is: 'rate_limited after 65000 unpaid',
  },
  {
    name: 'a rate limit with milliseconds',
    status: 429,
    body: openai('rate_limit_exceeded', '.', 'input-images'),
    headers: { 'retry-after-ms': '1534', 'retry-after': '7' },
    is: 'rate_limited after 1534 unpaid',
  },
  {
    name: 'a rate limit with a date',
    status: 429,
    body: '',
    headers: { 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' },
    is: 'rate_limited after 30000 unpaid',
  },
  {
    name: 'a rate limit with ten years',
    status: 429,
    body: '',
    headers: { 'retry-after': '315360000' },
    is: 'rate_limited after 900000 unpaid',
  },
  {
    name: 'a rate limit with a past date',
    status: 429,
    body: '',
    headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' },
    is: 'rate_limited after 1000 unpaid',
  },
  {
    name: 'a rate limit with a negative hint',
    status: 429,
    body: '',
    headers: { 'retry-after': '-5' },
    is: 'rate_limited after 1000 unpaid',
  },
  {
    name: 'a rate limit with no number',
    status: 429,
    body: '',
    headers: { 'retry-after-ms': 'NaN' },
    is: 'rate_limited after 1000 unpaid',
  },
  {
    name: 'a rate limit with words',
    status: 429,
    body: openai('rate_limit_exceeded', `Rate limit ${LIMIT} 1. Please try again in 12s.`),
    is: 'rate_limited after 12000 unpaid',
  },
  {
    name: 'a rate limit of Azure',
    status: 429,
    body: {
      error: {
        code: '429',
        message:
          'Requests have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds.',
      },
    },
    is: 'rate_limited after 9000 unpaid',
  },
  {
    name: 'a rate limit of a gateway',
    status: 429,
    body: { statusCode: 429, message: 'Rate limit is exceeded. Try again in 3 seconds.' },
    is: 'rate_limited after 3000 unpaid',
  },
  { name: 'a rate limit without a hint', status: 429, body: '', is: RATE },
  { name: 'a rate limit in HTML', status: 429, body: '<h1>Too many requests</h1>', is: RATE },
  {
    name: 'a rate limit inside a 500 of a relay',
    status: 500,
    body: openai('rate_limit_exceeded'),
    is: RATE,
  },
  {
    name: 'as many at once as the limit',
    status: 429,
    body: openai('rate_limit_exceeded', `Rate limit ${LIMIT} 5. Please try again in 12s.`),
    is: 'rate_limited after 12000 unpaid',
  },
  {
    name: 'a limit with thousands',
    status: 429,
    body: openai(
      'rate_limit_exceeded',
      'on tokens: Limit 100,000, Used 99,000, Requested 5,000. Please try again in 2s.',
    ),
    is: 'rate_limited after 2000 unpaid',
  },
  { name: 'a slow down', status: 503, body: openai('slow_down', 'Slow Down'), is: RATE },
  {
    name: 'a slow down with a hint',
    status: 503,
    body: openai(null, 'Slow down, please.'),
    headers: { 'retry-after': '30' },
    is: 'rate_limited after 30000 unpaid',
  },
]

/** The server: this row tries again, and each try is counted. */
const OUTAGES: readonly FailedAnswerRow[] = [
  {
    name: 'a fault',
    status: 500,
    body: openai('server_error', 'The server had an error.'),
    is: UNAVAILABLE,
  },
  {
    name: 'a fault that calls itself a bad request',
    status: 500,
    body: openai(null, 'An error occurred while processing your request.'),
    is: UNAVAILABLE,
  },
  { name: 'overload', status: 503, body: openai(null, 'Overloaded.'), is: UNAVAILABLE },
  {
    name: 'overload of FastAPI',
    status: 503,
    body: { detail: 'Model is loading' },
    is: UNAVAILABLE,
  },
  {
    name: 'overload in HTML',
    status: 503,
    body: '<html><title>503</title></html>',
    is: UNAVAILABLE,
  },
  { name: 'a gateway that never reached the server', status: 522, body: '', is: UNAVAILABLE },
  { name: 'a conflict', status: 409, body: openai(null), is: UNAVAILABLE },
  { name: 'too early', status: 425, body: '', is: UNAVAILABLE },
  {
    name: 'overload that names its end',
    status: 503,
    body: '',
    headers: { 'retry-after': '30' },
    is: 'api_unavailable backoff ≥30000 unpaid',
  },
  {
    name: 'a fault that names its end',
    status: 500,
    body: openai('server_error'),
    headers: { 'retry-after-ms': '2500' },
    is: 'api_unavailable backoff ≥2500 unpaid',
  },
  {
    name: 'a conflict that names its end',
    status: 409,
    body: '',
    headers: { 'retry-after': '2' },
    is: 'api_unavailable backoff ≥2000 unpaid',
  },
  {
    name: 'too early, with a time',
    status: 425,
    body: '',
    headers: { 'retry-after': '3' },
    is: 'api_unavailable backoff ≥3000 unpaid',
  },
  {
    name: 'overload for ten years',
    status: 503,
    body: '',
    headers: { 'retry-after': '315360000' },
    is: 'api_unavailable backoff ≥900000 unpaid',
  },
  { name: 'overload after a short wait', status: 503, body: '', elapsedMs: 9_000, is: UNAVAILABLE },
]

/** Nobody knows: booked as paid. */
const LOST: readonly FailedAnswerRow[] = [
  { name: 'a timeout of a proxy', status: 408, body: '', is: UNKNOWN },
  {
    name: 'a timeout of a proxy with a time',
    status: 408,
    body: '',
    headers: { 'retry-after': '4' },
    is: 'outcome_unknown unknown ≥4000 presumed-paid',
  },
  { name: 'a proxy whose own client left', status: 499, body: '', is: UNKNOWN },
  {
    name: 'a bad gateway',
    status: 502,
    body: '<html><title>502 Bad Gateway</title></html>',
    is: UNKNOWN,
  },
  { name: 'a gateway timeout', status: 504, body: '', is: UNKNOWN },
  {
    name: 'a gateway timeout with a time',
    status: 504,
    body: '',
    headers: { 'retry-after': '20' },
    is: 'outcome_unknown unknown ≥20000 presumed-paid',
  },
  { name: 'a timeout of Cloudflare', status: 524, body: 'error code: 524', is: UNKNOWN },
  { name: 'an unknown error of Cloudflare', status: 520, body: '', is: UNKNOWN },
  {
    name: 'a fault after long work',
    status: 500,
    body: openai('server_error'),
    elapsedMs: 45_000,
    is: UNKNOWN,
  },
  { name: 'overload after long work', status: 503, body: '', elapsedMs: 45_000, is: UNKNOWN },
  {
    name: 'a timeout inside a 500 of a relay',
    status: 500,
    body: openai(null, 'upstream request timed out'),
    is: UNKNOWN,
  },
  {
    name: 'a reset inside a 503 of a gateway',
    status: 503,
    body: 'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    is: UNKNOWN,
  },
]

/** What the server asks for beside its status. */
const ASKED: readonly FailedAnswerRow[] = [
  {
    name: 'a fault that asks not to be retried',
    status: 500,
    headers: { 'x-should-retry': 'false' },
    is: REJECTED,
  },
  {
    name: 'a rate limit that asks not to be retried',
    status: 429,
    body: openai('rate_limit_exceeded'),
    headers: { 'x-should-retry': 'false' },
    is: RATE,
  },
  {
    name: 'a rate limit with a wait that asks not to be retried',
    status: 429,
    headers: { 'x-should-retry': 'false', 'retry-after': '7' },
    is: 'rate_limited after 7000 unpaid',
  },
  {
    name: 'a 429 of a new kind that asks not to be retried',
    status: 429,
    body: openai('team_allowance_used_up'),
    headers: { 'x-should-retry': 'false' },
    is: QUOTA,
  },
  {
    name: 'a rejection that asks to be retried',
    status: 400,
    body: openai(null),
    headers: { 'x-should-retry': 'true' },
    is: UNAVAILABLE,
  },
  {
    name: 'a rejection that asks to be retried at a time',
    status: 400,
    headers: { 'x-should-retry': 'true', 'retry-after': '8' },
    is: 'api_unavailable backoff ≥8000 unpaid',
  },
  {
    name: 'a refusal that asks to be retried',
    status: 400,
    body: openai('moderation_blocked'),
    headers: { 'x-should-retry': 'true' },
    is: REFUSED,
  },
  {
    name: 'no quota that asks to be retried',
    status: 429,
    body: openai('insufficient_quota'),
    headers: { 'x-should-retry': 'true' },
    is: QUOTA,
  },
  {
    name: 'a bad key that asks to be retried',
    status: 401,
    headers: { 'x-should-retry': 'true' },
    is: CREDENTIALS,
  },
  {
    name: 'a lost call that asks not to be retried',
    status: 504,
    headers: { 'x-should-retry': 'false' },
    is: 'outcome_unknown never presumed-paid',
  },
  {
    name: 'a lost call that asks to be retried',
    status: 504,
    headers: { 'x-should-retry': 'true' },
    is: UNKNOWN,
  },
]

/** In the body of a success, or in an event of a stream. */
const HOLLOW: readonly FailedAnswerRow[] = [
  { name: 'a refusal', status: 200, body: openai('moderation_blocked'), is: REFUSED },
  {
    name: 'a rate limit',
    status: 200,
    body: openai('rate_limit_exceeded'),
    headers: { 'retry-after': '7' },
    is: 'rate_limited after 7000 unpaid',
  },
  {
    name: 'a rate limit in words',
    status: 200,
    body: openai(null, `Rate limit reached ${LIMIT} 1. Please try again in 12s.`),
    is: 'rate_limited after 12000 unpaid',
  },
  { name: 'a rate limit by number', status: 200, body: { error: { code: 429 } }, is: RATE },
  { name: 'a bad key', status: 200, body: openai('invalid_api_key'), is: CREDENTIALS },
  { name: 'a bad key by number', status: 200, body: { error: { code: 401 } }, is: CREDENTIALS },
  { name: 'no quota', status: 200, body: openai('insufficient_quota'), is: QUOTA },
  {
    name: 'a bad value',
    status: 200,
    body: openai('invalid_value', 'No.', USER_ERROR),
    is: REJECTED,
  },
  { name: 'an unknown parameter', status: 200, body: openai('unknown_parameter'), is: REJECTED },
  { name: 'an unknown model', status: 200, body: openai('model_not_found'), is: REJECTED },
  { name: 'a bad request by type alone', status: 200, body: openai(null, 'No.'), is: REJECTED },
  {
    name: 'a bad request by code',
    status: 200,
    body: openai('invalid_request_error', 'No.'),
    is: REJECTED,
  },
  {
    name: 'a bad request by number',
    status: 200,
    body: { error: { code: 400, type: 'BadRequestError' } },
    is: REJECTED,
  },
  {
    name: 'a fault',
    status: 200,
    body: openai('server_error', 'No.', 'server_error'),
    is: UNKNOWN,
  },
  { name: 'a fault by type', status: 200, body: openai(null, 'No.', 'server_error'), is: UNKNOWN },
  {
    name: 'a fault that calls itself a bad request',
    status: 200,
    body: openai(null, 'An error occurred while processing your request.'),
    is: UNKNOWN,
  },
  { name: 'a fault by number', status: 200, body: { error: { code: 503 } }, is: UNKNOWN },
  { name: 'an unknown code', status: 200, body: openai('odd', 'No.', 'odd_error'), is: BROKEN },
  { name: 'nothing', status: 200, body: {}, is: BROKEN },
]

export const FAILED_ANSWERS: readonly FailedAnswerRow[] = [
  REFUSALS,
  REJECTIONS,
  PAUSES,
  RATES,
  OUTAGES,
  LOST,
  ASKED,
  HOLLOW,
].flat()
