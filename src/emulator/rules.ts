/**
 * The API's rules: one request in, what shall be drawn out, or the error the API would answer. Which
 * model takes what is data in models.ts; here is the order in which it is looked at.
 */
import {
  badImageValue,
  badRequest,
  missingParameter,
  modelNotFound,
  unknownParameter,
} from './api-error.ts'
import type { CallForm } from './call-form.ts'
import { checkInputPictures, type InputPictures } from './input-pictures.ts'
import {
  DEFAULT_MODELS,
  findModel,
  type ImageModel,
  type Operation,
  PICTURE_FORMATS,
  type PictureFormat,
} from './models.ts'
import { Parameters } from './parameters.ts'
import { type PictureSize, resolveSize } from './sizes.ts'

/** A request that passed, with everything resolved that could be left open. */
export interface CheckedCall extends InputPictures {
  operation: Operation
  model: ImageModel
  /** Empty for a variation. */
  prompt: string
  n: number
  size: PictureSize
  quality: string
  background: 'opaque' | 'transparent'
  format: PictureFormat
  compression: number
  answerAs: 'url' | 'b64_json'
  highFidelity: boolean
  safetyIdentifier: string | undefined
}

export async function checkCall(operation: Operation, form: CallForm): Promise<CheckedCall> {
  const parameters = new Parameters(form.values, form.encoding)
  const model = chooseModel(operation, parameters)
  refuseUnknownNames(operation, form, model)
  const prompt = checkPrompt(operation, parameters, model)
  const checked = { operation, model, prompt, ...checkLook(parameters, model) }
  checkSideParameters(parameters)
  const inputs: InputPictures =
    operation === 'generate' ? { images: [] } : await checkInputPictures(form, model)
  return { ...checked, ...inputs }
}

function chooseModel(operation: Operation, parameters: Parameters): ImageModel {
  const id = parameters.text('model') ?? DEFAULT_MODELS[operation]
  const model = findModel(id)
  if (model === undefined) throw modelNotFound(id)
  if (!model.operations.includes(operation)) {
    const message = `The model '${id}' does not support this endpoint (${operation}).`
    throw badImageValue('model', message)
  }
  return model
}

const EVERYWHERE = ['model', 'n', 'size', 'user']

function refuseUnknownNames(operation: Operation, form: CallForm, model: ImageModel): void {
  const known = new Set([...EVERYWHERE, ...(model.parameters[operation] ?? [])])
  if (operation !== 'variation') known.add('prompt')
  if (operation === 'edit' && form.encoding === 'json') known.add('moderation')
  const stranger = [...form.values.keys()].find((name) => !known.has(name))
  if (stranger !== undefined) throw unknownParameter(stranger)
  if (form.mask !== undefined && operation !== 'edit') throw unknownParameter('mask')
  if (operation === 'edit' && form.encoding === 'json' && model.family !== 'gpt-image') {
    throw badRequest(
      'model',
      'invalid_value',
      `The model '${model.id}' takes edits only as a form.`,
    )
  }
}

function checkPrompt(operation: Operation, parameters: Parameters, model: ImageModel): string {
  if (operation === 'variation') return ''
  const prompt = parameters.text('prompt', model.promptCharsMax)
  if (prompt === undefined) throw missingParameter('prompt')
  if (prompt !== '') return prompt
  const message =
    "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead."
  throw badRequest('prompt', 'empty_string', message)
}

/** Everything that decides how the pictures look and how they travel. */
function checkLook(parameters: Parameters, model: ImageModel) {
  const asked = parameters.choice('quality', ['auto', ...model.qualities])
  const format = parameters.choice('output_format', PICTURE_FORMATS) ?? 'png'
  const answerAs = parameters.choice('response_format', ['url', 'b64_json'])
  return {
    n: parameters.integer('n', 1, model.picturesMax) ?? 1,
    size: resolveSize(parameters.text('size'), model),
    quality: asked === undefined || asked === 'auto' ? model.qualityOfAuto : asked,
    background: checkBackground(parameters, format),
    format,
    compression: checkCompression(parameters, format),
    answerAs: model.answers === 'b64_json' ? ('b64_json' as const) : (answerAs ?? 'url'),
    highFidelity: checkFidelity(parameters, model),
    safetyIdentifier: parameters.text('safety_identifier'),
  }
}

function checkBackground(parameters: Parameters, format: PictureFormat): CheckedCall['background'] {
  const background = parameters.choice('background', ['auto', 'opaque', 'transparent'])
  if (background === 'transparent' && format === 'jpeg') {
    const message = "Transparent background needs output_format 'png' or 'webp', not 'jpeg'."
    throw badImageValue('background', message)
  }
  return background === 'transparent' ? 'transparent' : 'opaque'
}

function checkCompression(parameters: Parameters, format: PictureFormat): number {
  const compression = parameters.integer('output_compression', 0, 100) ?? 100
  if (format === 'png' && compression < 100) {
    const message = 'Compression less than 100 is not supported for the PNG output format.'
    throw badImageValue('output_compression', message)
  }
  return compression
}

function checkFidelity(parameters: Parameters, model: ImageModel): boolean {
  const asked = parameters.text('input_fidelity')
  if (asked !== undefined && model.inputFidelities.length === 0) {
    const message = `The model '${model.id}' does not support changing 'input_fidelity'.`
    throw badImageValue('input_fidelity', message)
  }
  return parameters.choice('input_fidelity', model.inputFidelities) === 'high'
}

/** Parameters that are judged, but change nothing in an emulator. */
function checkSideParameters(parameters: Parameters): void {
  parameters.text('user')
  parameters.choice('moderation', ['auto', 'low'])
  parameters.choice('style', ['vivid', 'natural'])
  parameters.choice('complexity', ['low', 'medium', 'high'])
  parameters.integer('partial_images', 0, 3)
  // The place where streaming begins.
  if (parameters.flag('stream') === true) {
    throw badRequest('stream', 'unsupported_value', 'This emulator does not stream yet.')
  }
}
