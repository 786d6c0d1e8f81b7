/**
 * Whether a request can succeed, before anything is sent: the model table's data applied to one row.
 * Problems are sure refusals; warnings may go through. Nothing here asks the network.
 */
import type { ImageRequest, Operation } from '../job.ts'
import { nearest } from '../nearest.ts'
import {
  checkAgainstModel,
  type RequestCheck,
  type RequestContext,
  type ServerKind,
  type Subject,
} from './model-rules.ts'
import {
  DEFAULT_MODEL,
  DEFAULT_QUALITY,
  imageModelOf,
  MODEL_NAMES,
  type ParameterName,
} from './models.ts'
import { BOUNDED_PARAMETERS, numberProblemOf } from './number-bounds.ts'

export type { RequestCheck, RequestContext, ServerKind } from './model-rules.ts'

/** The only model that ever offered variations. */
const VARIATION_MODEL = 'dall-e-2'
const SHUTDOWN_NOTICE_DAYS = 30

export function serverKindOf(baseUrl: string): ServerKind {
  const { hostname } = new URL(baseUrl)
  // Data residency has hosts of its own, e.g. eu.api.openai.com.
  if (/(^|\.)api\.openai\.com$/.test(hostname)) return 'openai'
  if (/\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/.test(hostname))
    return 'azure'
  return 'other'
}

/** Whether the model knows the parameter, but for other operations only. */
export function isForOtherOperation(
  name: ParameterName,
  operation: Operation,
  { model }: Pick<ImageRequest, 'model'>,
): boolean {
  const { parameters = {} } = imageModelOf(model) ?? {}
  const taken = parameters[operation]
  if (taken === undefined || taken.includes(name)) return false
  return Object.values(parameters).some((names) => names.includes(name))
}

/** Fills model, quality and n: what decides picture and price is never left to a server's default. */
export function resolveRequest(operation: Operation, given: Partial<ImageRequest>): ImageRequest {
  const model = given.model ?? (operation === 'variation' ? VARIATION_MODEL : DEFAULT_MODEL)
  const quality =
    given.quality ??
    (operation === 'variation'
      ? undefined
      : (imageModelOf(model)?.qualityDefault ?? DEFAULT_QUALITY))
  const resolved = { ...given, model, n: given.n ?? 1, quality }
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
  checkInputs(operation, context, check)
  checkPrompt(operation, request, check)
  checkNumbers(request, check)
  const model = imageModelOf(request.model)
  if (model === undefined) {
    check.warnings.push(unknownModelWarning(request.model))
    return check
  }
  const subject = { operation, request, context, model }
  checkLifetime(subject, check)
  checkAgainstModel(subject, check)
  return check
}

function checkInputs(
  operation: Operation,
  { imageCount, hasMask }: RequestContext,
  { problems }: RequestCheck,
): void {
  if (operation === 'generate' && imageCount > 0) {
    problems.push({
      column: 'image',
      message: 'is not taken by generate, only by edit and variation',
    })
  }
  if (operation === 'edit' && imageCount === 0) {
    problems.push({ column: 'image', message: 'is missing: an edit needs at least one picture' })
  }
  if (operation === 'variation' && imageCount !== 1) {
    problems.push({ column: 'image', message: 'must name exactly one picture for a variation' })
  }
  if (operation !== 'edit' && hasMask) {
    problems.push({ column: 'mask', message: 'is only taken by edit' })
  }
}

function checkPrompt(
  operation: Operation,
  { prompt }: ImageRequest,
  { problems }: RequestCheck,
): void {
  if (operation !== 'variation' && (prompt ?? '').trim() === '') {
    problems.push({ column: 'prompt', message: `is missing: ${operation} needs one` })
  }
}

function checkNumbers(request: ImageRequest, { problems }: RequestCheck): void {
  for (const column of BOUNDED_PARAMETERS) {
    const value = request[column]
    const problem = value === undefined ? undefined : numberProblemOf(column, value)
    if (problem !== undefined) problems.push({ column, ...problem })
  }
}

/** Refused by the day on OpenAI itself; other servers may serve a model for as long as they like. */
function checkLifetime(subject: Subject, check: RequestCheck): void {
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
  } else {
    check.warnings.push(`${request.model} was shut down by OpenAI on ${on}`)
  }
}

function unknownModelWarning(name: string): string {
  const meant = nearest(name, MODEL_NAMES)
  const guess = meant === undefined ? '' : ` (did you mean ${meant}?)`
  return `the model "${name}" is not known here, so its parameters can't be checked${guess}`
}
