/** The half of `rules.ts` that needs a known model: parameters, values, counts and what excludes what. */
import type { ImageRequest, Operation } from '../job.ts'
import { nearest } from '../nearest.ts'
import { DEFAULT_MODEL, type ImageModel, type ParameterName } from './models.ts'
import { numberProblemOf } from './number-bounds.ts'
import { isUnprovenSize, sizeProblemOf } from './sizes.ts'

/** `message` reads on from the column's name: `size "1025x1024": both edges must be divisible by 16`. */
interface RequestProblem {
  column: string
  message: string
  /** The nearest accepted value, for `(did you mean …)`. */
  suggestion?: string
}

export interface RequestCheck {
  problems: RequestProblem[]
  warnings: string[]
}

export type ServerKind = 'openai' | 'azure' | 'other'

export interface RequestContext {
  imageCount: number
  hasMask: boolean
  server: ServerKind
  today: Date
}

export interface Subject {
  operation: Operation
  request: ImageRequest
  context: RequestContext
  model: ImageModel
}

export function checkAgainstModel(subject: Subject, check: RequestCheck): void {
  const taken = subject.model.parameters[subject.operation]
  if (taken === undefined) {
    check.problems.push(operationProblem(subject))
    return
  }
  checkParameters(subject, taken, check)
  const known = { ...subject, request: onlyTaken(subject.request, taken) }
  checkValues(known, check)
  checkCounts(known, check)
  checkCombinations(known, check)
}

/** What is not taken at all is one problem, whatever its value. */
function onlyTaken(request: ImageRequest, taken: readonly ParameterName[]): ImageRequest {
  const kept = Object.entries(request).filter(([name]) => taken.includes(name as ParameterName))
  return Object.fromEntries(kept) as ImageRequest
}

function operationProblem({ operation, model }: Subject): RequestProblem {
  const instead =
    operation === 'variation'
      ? 'use edit with a prompt'
      : `use a GPT image model, e.g. ${DEFAULT_MODEL}`
  return {
    column: 'operation',
    message: `"${operation}": ${model.id} does not offer it, ${instead}`,
  }
}

/** What to do without a parameter that people know from another model. */
const WITHOUT: Partial<Record<ParameterName, string>> = {
  response_format: 'its answers are always base64',
  style: 'describe the style in the prompt',
  input_fidelity: 'leave it out',
}

function checkParameters(
  { operation, request, model }: Subject,
  taken: readonly ParameterName[],
  { problems }: RequestCheck,
): void {
  for (const name of Object.keys(request) as ParameterName[]) {
    if (request[name] === undefined || taken.includes(name)) continue
    const instead = WITHOUT[name] === undefined ? '' : `: ${WITHOUT[name]}`
    problems.push({
      column: name,
      message: `is not taken by ${model.id} for ${operation}${instead}`,
    })
  }
}

function checkValues({ operation, request, context, model }: Subject, check: RequestCheck): void {
  const formats = (model.formats[operation] ?? []).filter(
    // Azure's documents name png and jpeg only.
    (format) => context.server !== 'azure' || format !== 'webp',
  )
  const accepted: Partial<Record<ParameterName, readonly string[]>> = {
    quality: model.qualities,
    background: model.backgrounds,
    output_format: formats,
    moderation: ['auto', 'low'],
    input_fidelity: model.inputFidelities,
    style: model.styles,
  }
  for (const [column, values] of Object.entries(accepted)) {
    const value = request[column as ParameterName]
    if (typeof value !== 'string' || values.includes(value)) continue
    check.problems.push(valueProblem({ column, value, values, owner: model.id }))
  }
  const problem = request.size === undefined ? undefined : sizeProblemOf(request.size, model)
  if (problem !== undefined) {
    const message = `"${request.size}": ${problem.message}`
    check.problems.push({ ...problem, column: 'size', message })
  }
}

/** DALL-E's words and what the GPT models call the same. */
const SYNONYMS: Readonly<Record<string, string>> = {
  standard: 'medium',
  medium: 'standard',
  hd: 'high',
  high: 'hd',
}

function valueProblem(found: {
  column: string
  value: string
  values: readonly string[]
  owner: string
}): RequestProblem {
  const { column, value, values, owner } = found
  const message = `"${value}": ${owner} takes ${listOf(values)}`
  const synonym = values.find((candidate) => candidate === SYNONYMS[value])
  const suggestion = synonym ?? nearest(value, values)
  return suggestion === undefined ? { column, message } : { column, message, suggestion }
}

function checkCounts(
  { operation, request, context, model }: Subject,
  { problems }: RequestCheck,
): void {
  // What no model makes has been reported already.
  if (request.n > model.picturesMax && numberProblemOf('n', request.n) === undefined) {
    problems.push({
      column: 'n',
      message: `${request.n}: ${model.id} makes at most ${model.picturesMax} per call`,
      suggestion: String(model.picturesMax),
    })
  }
  if (operation === 'edit' && context.imageCount > model.inputsMax) {
    const message = `${context.imageCount} pictures: ${model.id} takes at most ${model.inputsMax}`
    problems.push({ column: 'image', message })
  }
  checkPromptLength(request.prompt ?? '', model, problems)
}

function checkPromptLength(prompt: string, model: ImageModel, problems: RequestProblem[]): void {
  if (prompt.length <= model.promptLengthMax) return
  // As the API counts: an emoji is one character, though two in JavaScript.
  const length = Array.from(prompt).length
  if (length <= model.promptLengthMax) return
  const [is, max] = [length, model.promptLengthMax].map((number) => number.toLocaleString('en'))
  problems.push({
    column: 'prompt',
    message: `${is} characters: ${model.id} takes at most ${max}`,
  })
}

function checkCombinations({ request, context, model }: Subject, check: RequestCheck): void {
  const { background, output_format: format = 'png', output_compression: compression } = request
  if (background === 'transparent' && format !== 'png' && format !== 'webp') {
    check.problems.push({
      column: 'output_format',
      message: `"${format}": a transparent background needs png or webp`,
      suggestion: 'png',
    })
  }
  if (compression !== undefined && format !== 'jpeg' && format !== 'webp') {
    const message = `applies to jpeg and webp only, not to ${format}`
    check.problems.push({ column: 'output_compression', message })
  }
  if (format === 'svg' && request.n > 1) {
    check.problems.push({
      column: 'n',
      message: `${request.n}: svg is made one per call`,
      suggestion: '1',
    })
  }
  if (format === 'gif' && context.hasMask) {
    check.problems.push({ column: 'mask', message: 'is not taken with gif output' })
  }
  if (background !== undefined && model.previewBackgrounds?.includes(background)) {
    check.warnings.push(`background ${background} is a preview on ${model.id}`)
  }
  if (request.size !== undefined && isUnprovenSize(request.size, model)) {
    check.warnings.push(`sizes above 2560x1440 are experimental on ${model.id}`)
  }
}

function listOf(values: readonly string[]): string {
  return values.length < 2
    ? `only ${values.join('')}`
    : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
