/** What each fault that stands in the way of pictures answers instead. */
import { ApiError, badKey } from './api-error.ts'
import type { Refusal } from './fault-kinds.ts'
import { knownError } from './known-errors.ts'
import { rateLimitError, retryHeaders } from './limits.ts'
import type { ImageModel } from './models.ts'

interface RefusedCall {
  model: ImageModel
  n: number
  key: string
  requestId: string
}

/** Faults that don't even answer in the API's shape are the caller's matter. */
type ErrorFault = Exclude<Refusal, { kind: 'html' | 'reset' }>

export function errorOf(fault: ErrorFault, call: RefusedCall): ApiError {
  switch (fault.kind) {
    case 'rate_limit':
      return rateLimited(fault, call)
    case 'server_error':
      return new ApiError(fault.status, {
        message: SERVER_ERRORS[fault.status],
        type: 'server_error',
      })
    case 'moderation':
      return moderationBlocked(fault, call)
    case 'bad_key':
      return badKey(call.key)
    case 'quota':
      return new ApiError(429, {
        message: 'You exceeded your current quota, please check your plan and billing details.',
        type: 'insufficient_quota',
        code: fault.code,
      })
    case 'billing_hard_limit_reached':
      return new ApiError(fault.status, {
        message: 'Billing hard limit has been reached.',
        code: 'billing_hard_limit_reached',
      })
    case 'known_error': {
      const { status, ...fields } = knownError(fault.name)
      return new ApiError(status, fields)
    }
    case 'error': {
      const { status, message, type, code, param, headers } = fault
      return new ApiError(status, { message, type, code, param }, headers)
    }
  }
}

const SERVER_ERRORS = {
  500: 'The server had an error while processing your request. Sorry about that!',
  502: 'Bad gateway.',
  503: 'The engine is currently overloaded, please try again later.',
  504: 'The gateway timed out.',
} as const

function rateLimited(fault: Extract<Refusal, { kind: 'rate_limit' }>, call: RefusedCall): ApiError {
  const { model, n } = call
  const limit = 5
  const requested = fault.limit === 'input-images' ? n : 1
  const facts = { model: model.id, family: model.family, limit, used: limit, requested }
  return rateLimitError(
    { ...facts, name: fault.limit, waitMs: fault.delayMs },
    retryHeaders(fault.hint, fault.delayMs),
  )
}

function moderationBlocked(
  { stage, categories }: Extract<Refusal, { kind: 'moderation' }>,
  { requestId }: RefusedCall,
): ApiError {
  return new ApiError(400, {
    message: `Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and include the request ID ${requestId}. safety_violations=[${categories.join(', ')}].`,
    type: 'image_generation_user_error',
    code: 'moderation_blocked',
    moderation_details: { moderation_stage: stage, categories },
  })
}

export function htmlPage(status: number): string {
  return `<!DOCTYPE html>\n<html><head><title>${status}</title></head><body><center><h1>${status}: the emulated proxy says hello</h1></center></body></html>\n`
}
