/** An answer of the API that is an error, in OpenAI's shape. Thrown anywhere, sent in one place (server.ts). */

/** Whom every accepted key belongs to, as answers and messages tell it. */
export const ORGANIZATION = 'org-emulator'

interface ApiErrorFields {
  message: string
  type?: string | null
  param?: string | null
  code?: string | null
  moderation_details?: { moderation_stage: string; categories: readonly string[] }
}

export class ApiError extends Error {
  readonly status: number
  readonly body: { error: ApiErrorFields }
  readonly headers: Readonly<Record<string, string>>
  constructor(status: number, fields: ApiErrorFields, headers: Record<string, string> = {}) {
    super(fields.message)
    this.status = status
    this.body = { error: { type: 'invalid_request_error', param: null, code: null, ...fields } }
    this.headers = headers
  }
}

/** The request is malformed: wrong type, unknown or missing parameter. */
export function badRequest(param: string | null, code: string | null, message: string): ApiError {
  return new ApiError(400, { message, param, code })
}

/** The request is well-formed, but this model can't do what it asks for. */
export function badImageValue(param: string, message: string, code = 'invalid_value'): ApiError {
  return new ApiError(400, { message, type: 'image_generation_user_error', param, code })
}

export function missingParameter(param: string): ApiError {
  return badRequest(param, 'missing_required_parameter', `Missing required parameter: '${param}'.`)
}

export function unknownParameter(param: string): ApiError {
  return badRequest(param, 'unknown_parameter', `Unknown parameter: '${param}'.`)
}

export function modelNotFound(id: string): ApiError {
  return new ApiError(404, {
    message: `The model '${id}' does not exist or you do not have access to it.`,
    param: 'model',
    code: 'model_not_found',
  })
}

export function modelRetired(id: string): ApiError {
  return new ApiError(404, {
    message: `The model '${id}' has been deprecated, learn more here: https://platform.openai.com/docs/deprecations`,
    param: 'model',
    code: 'model_not_found',
  })
}

export function badKey(key: string): ApiError {
  return new ApiError(401, {
    message: `Incorrect API key provided: ${masked(key)}. You can find your API key at https://platform.openai.com/account/api-keys.`,
    code: 'invalid_api_key',
  })
}

/** A wrong key may still be somebody's real one: only its ends are told. */
function masked(key: string): string {
  return key.length <= 12 ? '*'.repeat(key.length) : `${key.slice(0, 4)}****${key.slice(-4)}`
}
