/**
 * Whether a request can succeed, before anything is sent: the model table's data applied to one row.
 * Problems are sure refusals; warnings may go through. Nothing here asks the network.
 */
import type { ImageRequest, Operation } from '../job.ts'
import { nearest } from '../nearest.ts'
import { checkAgainstModel } from './model-rules.ts'
import {
  DEFAULT_MODEL,
  DEFAULT_QUALITY,
  imageModelOf,
  MODEL_NAMES,
  type ParameterName,
} from './models.ts'
import { BOUNDED_PARAMETERS, numberProblemOf } from './number-bounds.ts'
import { checkPictures } from './picture-rules.ts'
import type { ModelSubject, RequestCheck, RequestContext, Subject } from './request-check.ts'

export type {
  PictureContext,
  RequestCheck,
  RequestContext,
  RequestProblem,
  ServerKind,
} from './request-check.ts'
export { serverKindOf } from './server-kind.ts'

/** The only model that ever offered variations. */
const VARIATION_MODEL = 'dall-e-2'
const SHUTDOWN_NOTICE_DAYS = 30
/** Of an end user: far above any hash. */
const NAME_LENGTH_MAX = 512

/** Whether the model knows the parameter, but for other operations only. */
export function isForOtherOperation(
  name: ParameterName,
  operation: Operation,
  { model, server }: Pick<ImageRequest, 'model'> & Pick<RequestContext, 'server'>,
): boolean {
  const { parameters = {} } = imageModelOf(model) ?? {}
  // Azure takes edits in one form only, and not in the one that has `moderation`.
  if (server === 'azure' && operation === 'edit' && name === 'moderation') return true
  const taken = parameters[operation]
  if (taken === undefined || taken.includes(name)) return false
  return Object.values(parameters).some((names) => names.includes(name))
}

/**
 * Fills model, quality and n: what decides picture and price is never left to a server's default. Whoever
 * asks for partial pictures asks for a stream.
 */
export function resolveRequest(operation: Operation, given: Partial<ImageRequest>): ImageRequest {
  const model = given.model ?? (operation === 'variation' ? VARIATION_MODEL : DEFAULT_MODEL)
  const known = imageModelOf(model)
  const quality =
    given.quality ??
    (operation === 'variation' ? undefined : (known?.qualityDefault ?? DEFAULT_QUALITY))
  const streams = known?.parameters[operation]?.includes('stream') ?? known === undefined
  const stream = given.stream ?? ((streams && given.partial_images !== undefined) || undefined)
  const resolved = { ...given, model, n: given.n ?? 1, quality, stream }
  return Object.fromEntries(
    Object.entries(resolved).filter(([, value]) => value !== undefined),
  ) as ImageRequest
}

export function checkRequest(
  operation: Operation,
  request: ImageRequest,
  context: RequestContext,
): RequestCheck {
  const check: RequestCheck = { problems: [], warnings: [] }
  const subject = { operation, request, context }
  checkPictures(subject, check)
  checkPrompt(subject, check)
  checkNumbers(subject, check)
  checkNames(subject, check)
  checkStream(subject, check)
  const model = imageModelOf(request.model)
  if (model === undefined) {
    check.warnings.push(unknownModelWarning(request.model))
    return check
  }
  checkLifetime({ ...subject, model }, check)
  checkAgainstModel({ ...subject, model }, check)
  return check
}

function checkPrompt({ operation, request }: Subject, { problems }: RequestCheck): void {
  if (operation !== 'variation' && (request.prompt ?? '').trim() === '') {
    problems.push({ column: 'prompt', message: `is missing: ${operation} needs one` })
  }
}

function checkNumbers({ request }: Subject, { problems }: RequestCheck): void {
  for (const column of BOUNDED_PARAMETERS) {
    const value = request[column]
    const problem = value === undefined ? undefined : numberProblemOf(column, value)
    if (problem !== undefined) problems.push({ column, ...problem })
  }
}

function checkNames({ request }: Subject, { problems }: RequestCheck): void {
  for (const column of ['user', 'safety_identifier'] as const) {
    const length = request[column]?.length ?? 0
    if (length <= NAME_LENGTH_MAX) continue
    const message = `${length.toLocaleString('en')} characters: at most ${NAME_LENGTH_MAX} are passed on`
    problems.push({ column, message })
  }
}

function checkStream({ request }: Subject, { problems, warnings }: RequestCheck): void {
  const { stream, partial_images: partials, n } = request
  if (stream === false && partials !== undefined) {
    const message = `${partials}: partial pictures come in a stream, and stream is false`
    problems.push({ column: 'partial_images', message })
  }
  if (stream === true && n > 1) {
    warnings.push(
      'with n above 1, nothing in a stream says which picture a partial one belongs to: n 1 is better',
    )
  }
}

/** Refused by the day on OpenAI itself; other servers may serve a model for as long as they like. */
function checkLifetime(subject: ModelSubject, check: RequestCheck): void {
  const { operation, request, context, model } = subject
  if (model.shutdown === undefined) return
  const { on, replacement } = model.shutdown
  const daysLeft = Math.ceil((Date.parse(on) - context.today.getTime()) / 86_400_000)
  if (daysLeft > SHUTDOWN_NOTICE_DAYS) return
  if (daysLeft > 0) {
    check.warnings.push(`${request.model} shuts down on ${on}; its successor is ${replacement}`)
  } else if (context.server === 'openai' && operation === 'variation') {
    const message = `"variation": was shut down with ${request.model} on ${on}, use edit with a prompt`
    check.problems.push({ column: 'operation', message })
  } else if (context.server === 'openai') {
    const message = `"${request.model}" was shut down on ${on}`
    check.problems.push({ column: 'model', message, suggestion: replacement })
  } else if (context.server !== 'emulator') {
    check.warnings.push(`${request.model} was shut down by OpenAI on ${on}`)
  }
}

function unknownModelWarning(name: string): string {
  const meant = nearest(name, MODEL_NAMES)
  const guess = meant === undefined ? '' : ` (did you mean ${meant}?)`
  return `the model "${name}" is not known here, so its parameters can't be checked${guess}`
}
