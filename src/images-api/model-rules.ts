/** The half of `rules.ts` that needs a known model: which parameters it takes, and which values and how many. */
import type { ImageRequest } from '../job.ts'
import { nearest } from '../nearest.ts'
import { checkCombinations } from './combination-rules.ts'
import {
  DEFAULT_MODEL,
  MODERATIONS,
  RESPONSE_FORMATS,
  SVG_EFFORTS,
  type ImageModel,
  type ParameterName,
} from './models.ts'
import { numberProblemOf } from './number-bounds.ts'
import { checkPicturesOfModel } from './picture-rules.ts'
import type { ModelSubject, RequestCheck, RequestProblem } from './request-check.ts'
import { sizeProblemOf } from './sizes.ts'

export function checkAgainstModel(subject: ModelSubject, check: RequestCheck): void {
  const documented = subject.model.parameters[subject.operation]
  if (documented === undefined) {
    check.problems.push(operationProblem(subject))
    return
  }
  const { unprovenParameters = [] } = subject.model
  const taken = [...documented, ...unprovenParameters]
  checkParameters(subject, taken, check)
  const known = { ...subject, request: onlyTaken(subject.request, taken) }
  warnOfUnproven(known, check)
  checkValues(known, check)
  checkSize(known, check)
  checkCounts(known, check)
  checkPicturesOfModel(known, check)
  checkCombinations(known, check)
}

/** What is not taken at all is one problem, whatever its value. */
function onlyTaken(request: ImageRequest, taken: readonly ParameterName[]): ImageRequest {
  const kept = Object.entries(request).filter(([name]) => taken.includes(name as ParameterName))
  return Object.fromEntries(kept) as ImageRequest
}

function operationProblem({ operation, model }: ModelSubject): RequestProblem {
  const instead =
    operation === 'variation'
      ? 'use edit with a prompt'
      : `use a GPT image model, e.g. ${DEFAULT_MODEL}`
  return {
    column: 'operation',
    message: `"${operation}": ${model.id} does not offer it, ${instead}`,
  }
}

/** What to do without a parameter that people know from elsewhere. */
const WITHOUT: Partial<Record<ParameterName, string>> = {
  response_format: 'its answers are always base64',
  style: 'describe the style in the prompt',
  input_fidelity: 'leave it out',
  frame_count: 'only gpt-image-2.6 makes gif',
  frame_duration_ms: 'only gpt-image-2.6 makes gif',
  svg: 'only gpt-image-2.6 makes svg, and only with generate',
}

function checkParameters(
  { operation, request, model }: ModelSubject,
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

function warnOfUnproven({ request, model }: ModelSubject, { warnings }: RequestCheck): void {
  for (const name of model.unprovenParameters ?? []) {
    if (request[name] === undefined) continue
    warnings.push(`${name} is not documented for ${model.id}: it may be refused, or do nothing`)
  }
}

function checkValues({ operation, request, context, model }: ModelSubject, check: RequestCheck) {
  const formats = (model.formats[operation] ?? []).filter(
    // Azure's documents name png and jpeg only.
    (format) => context.server !== 'azure' || format !== 'webp',
  )
  const accepted: Partial<Record<ParameterName, readonly string[]>> = {
    quality: model.qualities,
    background: model.backgrounds,
    output_format: formats,
    moderation: MODERATIONS,
    input_fidelity: model.inputFidelities,
    complexity: model.complexities,
    style: model.styles,
    response_format: RESPONSE_FORMATS,
  }
  for (const [column, values] of Object.entries(accepted)) {
    const value = request[column as ParameterName]
    if (typeof value !== 'string' || values.includes(value)) continue
    check.problems.push(valueProblem({ column, value, values, owner: model.id }))
  }
  const effort = request.svg?.reasoning?.effort
  if (effort !== undefined && !(SVG_EFFORTS as readonly string[]).includes(effort)) {
    const found = { column: 'svg', value: effort, values: SVG_EFFORTS, owner: 'reasoning.effort' }
    check.problems.push(valueProblem(found))
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

function checkSize({ request: { size }, model }: ModelSubject, { problems }: RequestCheck): void {
  const problem = size === undefined ? undefined : sizeProblemOf(size, model)
  if (problem === undefined) return
  problems.push({ ...problem, column: 'size', message: `"${size}": ${problem.message}` })
}

function checkCounts({ request, model }: ModelSubject, { problems }: RequestCheck): void {
  // What no model makes has been reported already.
  if (request.n > model.picturesMax && numberProblemOf('n', request.n) === undefined) {
    problems.push({
      column: 'n',
      message: `${request.n}: ${model.id} makes at most ${model.picturesMax} per call`,
      suggestion: String(model.picturesMax),
    })
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

function listOf(values: readonly string[]): string {
  return values.length < 2
    ? `only ${values.join('')}`
    : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
