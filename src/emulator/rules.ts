/**
 * The API's rules: one request in, what shall be drawn out, or the error the API would answer. Which
 * model takes what is data in models.ts; here is the order in which it is looked at.
 */
import { badImageValue, badRequest, missingParameter, unknownParameter } from './api-error.ts'
import type { CallForm } from './call-form.ts'
import {
  checkPictureForm,
  checkStreaming,
  type PictureForm,
  type Streaming,
} from './format-rules.ts'
import { checkInputPictures, type InputPictures } from './input-pictures.ts'
import { DEFAULT_MODELS, type ImageModel, type Operation } from './models.ts'
import { Parameters } from './parameters.ts'
import type { OpenReference } from './references.ts'
import { type PictureSize, resolveSize } from './sizes.ts'

/** A request that passed, with everything resolved that could be left open. */
export interface CheckedCall extends InputPictures, PictureForm {
  operation: Operation
  model: ImageModel
  /** Empty for a variation. */
  prompt: string
  n: number
  size: PictureSize
  quality: string
  answerAs: 'url' | 'b64_json'
  /** Undefined: the answer comes whole. */
  streaming: Streaming | undefined
  highFidelity: boolean
  safetyIdentifier: string | undefined
}

/** What the rules need to know of the API that is asked. */
export interface ApiView {
  /** Throws ApiError for a model that it does not serve. */
  modelOf(id: string): ImageModel
  openReference: OpenReference
}

export async function checkCall(
  operation: Operation,
  form: CallForm,
  api: ApiView,
): Promise<CheckedCall> {
  const parameters = new Parameters(form.values, form.encoding)
  const model = chooseModel(operation, parameters, api)
  refuseUnknownNames(operation, form, model)
  const prompt = checkPrompt(operation, parameters, model)
  const common = checkCommon(parameters, model)
  const pictureForm = checkPictureForm(operation, parameters, model)
  const streaming = checkStreaming(parameters, pictureForm)
  checkSideParameters(parameters)
  if (form.mask !== undefined && pictureForm.format === 'gif') {
    throw badImageValue('mask', "output_format 'gif' does not support 'mask'.")
  }
  const inputs: InputPictures =
    operation === 'generate'
      ? { images: [] }
      : await checkInputPictures(form, model, api.openReference)
  return { operation, model, prompt, ...common, ...pictureForm, streaming, ...inputs }
}

function chooseModel(operation: Operation, parameters: Parameters, api: ApiView): ImageModel {
  const model = api.modelOf(parameters.text('model') ?? DEFAULT_MODELS[operation])
  if (!model.operations.includes(operation)) {
    const message = `The model '${model.id}' does not support this endpoint (${operation}).`
    throw badImageValue('model', message)
  }
  return model
}

const EVERYWHERE = ['model', 'n', 'size', 'user']

function refuseUnknownNames(operation: Operation, form: CallForm, model: ImageModel): void {
  const known = new Set([...EVERYWHERE, ...(model.parameters[operation] ?? [])])
  if (operation !== 'variation') known.add('prompt')
  if (operation === 'edit' && form.encoding === 'json') known.add('moderation')
  const files = new Set(operation === 'edit' ? ['mask'] : [])
  // A markup is a file: the JSON form has no place for it.
  if (known.delete('markup') && form.encoding === 'multipart') files.add('markup')
  const stranger =
    [...form.values.keys()].find((name) => !known.has(name)) ??
    (['mask', 'markup'] as const).find((name) => form[name] !== undefined && !files.has(name))
  if (stranger !== undefined) throw unknownParameter(stranger)
  if (operation === 'edit' && form.encoding === 'json' && !model.editsAsJson) {
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

/** What pictures of every format have. */
function checkCommon(parameters: Parameters, model: ImageModel) {
  const asked = parameters.choice('quality', ['auto', ...model.qualities])
  const answerAs = parameters.choice('response_format', ['url', 'b64_json'])
  return {
    n: parameters.integer('n', 1, model.picturesMax) ?? 1,
    size: resolveSize(parameters.text('size'), model),
    quality: asked === undefined || asked === 'auto' ? model.qualityOfAuto : asked,
    answerAs: model.answers === 'b64_json' ? ('b64_json' as const) : (answerAs ?? 'url'),
    highFidelity: checkFidelity(parameters, model),
    safetyIdentifier: parameters.text('safety_identifier'),
  }
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
}
