/** The size rules: what is wrong with a size, and the legal one that is closest to it. Pure arithmetic. */
import type { ImageModel, SizeBounds } from './models.ts'

export interface SizeProblem {
  message: string
  suggestion?: string
}

export interface Size {
  width: number
  height: number
}

export function sizeProblemOf(size: string, model: ImageModel): SizeProblem | undefined {
  const { listed, free } = model.sizes
  if (listed.includes(size)) return undefined
  const wanted = parseSize(size)
  if (free === undefined) {
    const message = `${model.id} takes ${listed.join(', ')}`
    return withSuggestion(message, wanted && nearestListed(wanted, listed))
  }
  if (wanted === undefined)
    return { message: 'must be auto or WIDTHxHEIGHT, for example 1024x1024' }
  const message = formProblem(size, wanted) ?? boundsProblem(wanted, free)
  return message === undefined ? undefined : withSuggestion(message, nearestFree(wanted, free))
}

/** Sizes the API serves, but calls experimental. */
export function isUnprovenSize(size: string, model: ImageModel): boolean {
  const wanted = parseSize(size)
  const provenMax = model.sizes.free?.pixelsProven ?? Infinity
  return wanted !== undefined && wanted.width * wanted.height > provenMax
}

/** Reads more spellings than the API takes, so that each of them gets a suggestion. */
export function parseSize(size: string): Size | undefined {
  const [, width, height] = /^\s*0*(\d{1,5})\s*[xX×*]\s*0*(\d{1,5})\s*$/.exec(size) ?? []
  const parsed = { width: Number(width), height: Number(height) }
  return parsed.width > 0 && parsed.height > 0 ? parsed : undefined
}

const formProblem = (size: string, wanted: Size): string | undefined =>
  size === spell(wanted) ? undefined : 'must be written WIDTHxHEIGHT, without blanks'

function boundsProblem({ width, height }: Size, bounds: SizeBounds): string | undefined {
  const [long, short] = [Math.max(width, height), Math.min(width, height)]
  const pixels = width * height
  if (width % bounds.edgeStep !== 0 || height % bounds.edgeStep !== 0) {
    return `both edges must be divisible by ${bounds.edgeStep}`
  }
  if (long > bounds.edgeMax) return `the longest edge may have ${bounds.edgeMax} pixels`
  if (long > short * bounds.ratioMax) {
    return `the long edge may be ${bounds.ratioMax} times the short one, not ${round(long / short)} times`
  }
  if (pixels < bounds.pixelsMin) {
    return `${count(pixels)} pixels are too few, the least is ${count(bounds.pixelsMin)}`
  }
  if (pixels > bounds.pixelsMax) {
    return `${count(pixels)} pixels are too many, the most is ${count(bounds.pixelsMax)}`
  }
  return undefined
}

/** Scales into the bounds, keeping the shape where it may, and takes the closest legal grid point. */
function nearestFree(wanted: Size, bounds: SizeBounds): string | undefined {
  const { width, height } = scaleInto(wanted, bounds)
  const steps = (edge: number): number[] =>
    [-1, 0, 1, 2].map((step) => (Math.floor(edge / bounds.edgeStep) + step) * bounds.edgeStep)
  const distance = (size: Size): number =>
    Math.abs(size.width - width) + Math.abs(size.height - height)
  const [best] = steps(width)
    .flatMap((w) => steps(height).map((h) => ({ width: w, height: h })))
    .filter((size) => size.width > 0 && size.height > 0 && !boundsProblem(size, bounds))
    .toSorted((a, b) => distance(a) - distance(b))
  return best && spell(best)
}

function scaleInto(wanted: Size, { edgeMax, ratioMax, pixelsMin, pixelsMax }: SizeBounds): Size {
  const width = Math.min(wanted.width, wanted.height * ratioMax)
  const height = Math.min(wanted.height, wanted.width * ratioMax)
  const shrink = Math.min(
    1,
    edgeMax / Math.max(width, height),
    Math.sqrt(pixelsMax / (width * height)),
  )
  const grow = Math.max(1, Math.sqrt(pixelsMin / (width * height)))
  return { width: width * shrink * grow, height: height * shrink * grow }
}

function nearestListed(wanted: Size, listed: readonly string[]): string | undefined {
  const shape = ({ width, height }: Size): number => Math.log(width / height)
  const area = ({ width, height }: Size): number => Math.log(width * height)
  // Shape matters more than size: a landscape shrunk is closer than the same area upright.
  const distance = (size: Size): number =>
    4 * Math.abs(shape(size) - shape(wanted)) + Math.abs(area(size) - area(wanted))
  const [best] = listed
    .map(parseSize)
    .filter((size) => size !== undefined)
    .toSorted((a, b) => distance(a) - distance(b))
  return best && spell(best)
}

const withSuggestion = (message: string, suggestion: string | undefined): SizeProblem =>
  suggestion === undefined ? { message } : { message, suggestion }

const spell = ({ width, height }: Size): string => `${width}x${height}`
const count = (pixels: number): string => pixels.toLocaleString('en')
const round = (ratio: number): number => Math.round(ratio * 100) / 100
