import { badImageValue } from './api-error.ts'
import type { ImageModel } from './models.ts'
import { listed } from './parameters.ts'

export interface PictureSize {
  width: number
  height: number
}

const EDGE_STEP = 16
const EDGE_MAX = 3_840
const RATIO_MAX = 3
const PIXELS_MIN = 655_360
const PIXELS_MAX = 8_294_400
const SIZE_OF_AUTO: PictureSize = { width: 1_024, height: 1_024 }

/** The size a picture will have, or the model's refusal. Nothing asked is `auto`, and `auto` is a square. */
export function resolveSize(asked: string | undefined, model: ImageModel): PictureSize {
  if (asked === undefined) return SIZE_OF_AUTO
  if (asked === 'auto' && model.family === 'gpt-image') return SIZE_OF_AUTO
  if (model.sizes !== 'free') return oneOf(asked, model.sizes, model)
  const size = parseSize(asked)
  if (size === undefined) {
    throw refused(asked, "It must be 'auto' or WIDTHxHEIGHT, for example '1024x1024'.")
  }
  const problem = problemOf(size)
  if (problem !== undefined) throw refused(asked, problem)
  return size
}

function oneOf(asked: string, sizes: readonly string[], model: ImageModel): PictureSize {
  const size = sizes.includes(asked) ? parseSize(asked) : undefined
  if (size !== undefined) return size
  const supported = model.family === 'gpt-image' ? [...sizes, 'auto'] : sizes
  throw refused(asked, `Supported sizes are ${listed(supported)}.`)
}

function parseSize(text: string): PictureSize | undefined {
  const match = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(text)
  return match === null ? undefined : { width: Number(match[1]), height: Number(match[2]) }
}

function problemOf({ width, height }: PictureSize): string | undefined {
  const [short, long] = width < height ? [width, height] : [height, width]
  const pixels = width * height
  if (width % EDGE_STEP !== 0 || height % EDGE_STEP !== 0) {
    return `Width and height must both be divisible by ${EDGE_STEP}.`
  }
  if (long > EDGE_MAX) return `The longest edge must be at most ${EDGE_MAX} pixels.`
  if (long > short * RATIO_MAX) return 'The long edge must be at most 3 times the short edge.'
  if (pixels < PIXELS_MIN) {
    return `Requested resolution is below the current minimum pixel budget of ${PIXELS_MIN}.`
  }
  if (pixels > PIXELS_MAX) {
    return `Requested resolution exceeds the current pixel budget of ${PIXELS_MAX}.`
  }
  return undefined
}

function refused(asked: string, why: string) {
  return badImageValue('size', `Invalid size '${asked}'. ${why}`)
}
