/** Errors that the API is known to answer with, and that no rule of the emulator brings about by itself. */

interface KnownError {
  status: number
  message: string
  type?: string | null
  param?: string | null
  code?: string | null
}

const KNOWN_ERRORS = {
  content_policy_violation: {
    status: 400,
    message:
      'Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed by our safety system.',
    type: 'invalid_request_error',
    code: 'content_policy_violation',
  },
  /** As relays pass a moderation block on. */
  safety_in_500: {
    status: 500,
    message:
      'Your request was rejected by the safety system. safety_violations=[sexual]. Please try again with another prompt.',
    type: 'server_error',
  },
  not_a_member: {
    status: 401,
    message: 'You must be a member of an organization to use the API.',
  },
  ip_not_allowed: {
    status: 401,
    message: 'Your IP address is not on the allowlist of this project.',
    code: 'ip_not_authorized',
  },
  organization_not_verified: {
    status: 403,
    message:
      'Your organization must be verified to use this model. Please go to: https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just verified, it can take up to 15 minutes for access to propagate.',
  },
  country_not_supported: {
    status: 403,
    message: 'Country, region, or territory not supported',
    type: 'request_forbidden',
    code: 'unsupported_country_region_territory',
  },
  model_not_found: {
    status: 404,
    message: 'The model does not exist or you do not have access to it.',
    param: 'model',
    code: 'model_not_found',
  },
  request_timeout: {
    status: 408,
    message: 'Request timed out.',
    type: 'server_error',
    code: 'request_timeout',
  },
  conflict: { status: 409, message: 'The resource was updated by another request.' },
  /** A fault of the server that calls itself one of the request. */
  processing_error: {
    status: 500,
    message:
      'An error occurred while processing your request. You can retry your request, or contact us through our help center at help.openai.com if the error persists.',
    type: 'invalid_request_error',
  },
  slow_down: {
    status: 503,
    message:
      'Slow Down. Please reduce your request rate to its original level, maintain a consistent rate for at least 15 minutes, and then gradually increase it.',
    type: 'server_error',
    code: 'slow_down',
  },
} as const satisfies Readonly<Record<string, KnownError>>

type KnownErrorName = keyof typeof KNOWN_ERRORS

export const KNOWN_ERROR_NAMES = Object.keys(KNOWN_ERRORS) as [KnownErrorName, ...KnownErrorName[]]

export const knownError = (name: KnownErrorName): KnownError => KNOWN_ERRORS[name]
