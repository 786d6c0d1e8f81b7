/** The rules of file formats: what each can carry, and which parameters belong to one format alone. */
import { badImageValue, badRequest } from './api-error.ts'
import type { ImageModel, Operation, PictureFormat } from './models.ts'
import type { Parameters } from './parameters.ts'

/** How one picture is written down. */
export interface PictureForm {
  format: PictureFormat
  background: 'opaque' | 'transparent'
  compression: number
  /** Only of a gif. */
  animation: Animation | undefined
  /** Only of an svg: the model that writes it after a drawn picture. */
  svgAuthor: string | undefined
}

export interface Animation {
  frameCount: number
  frameDurationMs: number
}

const FRAME_COUNT = 9
const FRAME_DURATION_MS = 200
/** A gif counts in hundredths of a second, and has 16 bits for them. */
const FRAME_DURATION_STEP_MS = 10
const FRAME_DURATION_MS_MAX = 655_350
const SVG_AUTHOR = 'emulated-svg-author'
const SVG_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

export function checkPictureForm(
  operation: Operation,
  parameters: Parameters,
  model: ImageModel,
): PictureForm {
  const format = parameters.choice('output_format', model.formats[operation] ?? []) ?? 'png'
  return {
    format,
    background: checkBackground(parameters, format),
    compression: checkCompression(parameters, format),
    animation: checkAnimation(parameters, format),
    svgAuthor: checkSvg(parameters, format),
  }
}

function checkBackground(parameters: Parameters, format: PictureFormat): PictureForm['background'] {
  const background = parameters.choice('background', ['auto', 'opaque', 'transparent'])
  if (background === 'transparent' && format !== 'png' && format !== 'webp') {
    const message = `Transparent background needs output_format 'png' or 'webp', not '${format}'.`
    throw badImageValue('background', message)
  }
  return background === 'transparent' ? 'transparent' : 'opaque'
}

function checkCompression(parameters: Parameters, format: PictureFormat): number {
  const compression = parameters.integer('output_compression', 0, 100) ?? 100
  if (compression < 100 && format !== 'jpeg' && format !== 'webp') {
    const message = `Compression less than 100 is not supported for the ${format.toUpperCase()} output format.`
    throw badImageValue('output_compression', message)
  }
  return compression
}

function checkAnimation(parameters: Parameters, format: PictureFormat): Animation | undefined {
  const frameCount = parameters.integer('frame_count', 2, 16)
  const asked = parameters.integer('frame_duration_ms', 20, Number.MAX_SAFE_INTEGER)
  if (format === 'gif') {
    const durationMs = asked ?? FRAME_DURATION_MS
    const rounded = Math.round(durationMs / FRAME_DURATION_STEP_MS) * FRAME_DURATION_STEP_MS
    return {
      frameCount: frameCount ?? FRAME_COUNT,
      frameDurationMs: Math.min(rounded, FRAME_DURATION_MS_MAX),
    }
  }
  if (frameCount !== undefined) throw onlyWith('frame_count', 'gif')
  if (asked !== undefined) throw onlyWith('frame_duration_ms', 'gif')
  return undefined
}

/** Gives the author of the svg: the one that was asked for, or one of the emulator's own. */
function checkSvg(parameters: Parameters, format: PictureFormat): string | undefined {
  const svg = parameters.object('svg')
  if (format !== 'svg') {
    if (svg !== undefined) throw onlyWith('svg', 'svg')
    return undefined
  }
  if ((parameters.integer('n', 1, Number.MAX_SAFE_INTEGER) ?? 1) > 1) {
    throw badImageValue('n', "output_format 'svg' supports only n=1.")
  }
  if (svg === undefined) return SVG_AUTHOR
  const { model, reasoning, ...rest } = svg
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined) {
    throw badRequest(
      `svg.${stranger}`,
      'unknown_parameter',
      `Unknown parameter: 'svg.${stranger}'.`,
    )
  }
  if (typeof model !== 'string' || model === '') {
    throw badRequest(
      'svg.model',
      'missing_required_parameter',
      "Missing required parameter: 'svg.model'.",
    )
  }
  checkReasoning(reasoning)
  return model
}

function checkReasoning(reasoning: unknown): void {
  if (reasoning === undefined || reasoning === null) return
  const { effort = null } = Object(reasoning) as { effort?: unknown }
  if (effort === null || (typeof effort === 'string' && SVG_EFFORTS.includes(effort))) return
  const message = `Invalid value: '${JSON.stringify(effort)}'. Supported values are: ${SVG_EFFORTS.join(', ')}.`
  throw badImageValue('svg.reasoning.effort', message)
}

function onlyWith(param: string, format: PictureFormat) {
  return badImageValue(param, `'${param}' is only supported with output_format '${format}'.`)
}

/** How the answer is delivered in a stream; undefined: whole. */
export interface Streaming {
  /** Pictures on the way to each of the `n`. */
  partialImages: number
}

export function checkStreaming(
  parameters: Parameters,
  { format }: PictureForm,
): Streaming | undefined {
  const partialImages = parameters.integer('partial_images', 0, 3) ?? 0
  const isStream = parameters.flag('stream') === true
  const isWholeOnly = format === 'gif' || format === 'svg'
  const param = isStream ? 'stream' : partialImages > 0 ? 'partial_images' : undefined
  if (isWholeOnly && param !== undefined) {
    throw badImageValue(param, `output_format '${format}' does not support '${param}'.`)
  }
  return isStream ? { partialImages } : undefined
}
