/**
 * The tokens an emulated call is charged for. Close to what the API reports where that is known; a
 * plausible number elsewhere. Never a price.
 */
import type { InputPicture } from './input-pictures.ts'
import type { CheckedCall } from './rules.ts'
import type { PictureSize } from './sizes.ts'

interface TokenUsage {
  input_tokens: number
  input_tokens_details: { text_tokens: number; image_tokens: number }
  output_tokens: number
  output_tokens_details: { text_tokens: number; image_tokens: number }
  total_tokens: number
}

/** Undefined for models that report none. Pictures in and out are counted once for each of the `n`. */
export function usageOf(call: CheckedCall): TokenUsage | undefined {
  if (call.model.tokens.kind === 'none') return undefined
  const text = textTokens(call.prompt)
  const images = call.n * sum(call.images.map((image) => inputTokens(image, call)))
  const output = call.n * (outputTokens(call) + partialTokens(call))
  return {
    input_tokens: text + images,
    input_tokens_details: { text_tokens: text, image_tokens: images },
    output_tokens: output,
    output_tokens_details: { text_tokens: 0, image_tokens: output },
    total_tokens: text + images + output,
  }
}

/**
 * What each completed picture of a stream reports: together they are the usage of the call. The API does
 * not say how it splits the prompt; here the first pictures get what does not split evenly.
 */
export function usageShares(call: CheckedCall): Omit<TokenUsage, 'output_tokens_details'>[] {
  const usage = usageOf(call)
  if (usage === undefined) return []
  const { text_tokens, image_tokens } = usage.input_tokens_details
  return Array.from({ length: call.n }, (_, index) => {
    const share = (total: number) => Math.floor((total + call.n - 1 - index) / call.n)
    const [text, images, output] = [
      share(text_tokens),
      share(image_tokens),
      share(usage.output_tokens),
    ]
    return {
      input_tokens: text + images,
      input_tokens_details: { text_tokens: text, image_tokens: images },
      output_tokens: output,
      total_tokens: text + images + output,
    }
  })
}

const PARTIAL_IMAGE_TOKENS = 100

/** Charged only where they are sent. */
const partialTokens = ({ streaming }: CheckedCall) =>
  (streaming?.partialImages ?? 0) * PARTIAL_IMAGE_TOKENS

interface SvgUsage {
  model: string
  input_tokens: number
  output_tokens: number
  reasoning_tokens: number
  total_tokens: number
}

/** Of the model that writes an SVG after the drawn picture; its numbers are made up. */
export function svgUsageOf({ svgAuthor, prompt }: CheckedCall): SvgUsage | undefined {
  if (svgAuthor === undefined) return undefined
  const [input_tokens, output_tokens, reasoning_tokens] = [textTokens(prompt) + 1_024, 4_000, 1_000]
  const total_tokens = input_tokens + output_tokens
  return { model: svgAuthor, input_tokens, output_tokens, reasoning_tokens, total_tokens }
}

export function textTokens(prompt: string): number {
  return Math.ceil(prompt.length / 4) + 6
}

const TABLE: Readonly<Record<string, readonly [square: number, portrait: number, wide: number]>> = {
  low: [272, 408, 400],
  medium: [1_056, 1_584, 1_568],
  high: [4_160, 6_240, 6_208],
}

function outputTokens({ model, quality, size }: CheckedCall): number {
  if (model.tokens.kind === 'grid') return gridTokens(model.tokens.cellsOf[quality] ?? 0, size)
  const [square, portrait, wide] = TABLE[quality] ?? [0, 0, 0]
  if (size.width === size.height) return square
  return size.width < size.height ? portrait : wide
}

/** Quality sets the cells along the long edge; the cells cost more the more pixels there are. */
function gridTokens(cells: number, { width, height }: PictureSize): number {
  const [short, long] = width < height ? [width, height] : [height, width]
  const shortCells = Math.floor((2 * cells * short + long) / (2 * long))
  return Math.ceil((cells * shortCells * (2_000_000 + width * height)) / 4_000_000)
}

function inputTokens(image: InputPicture, { model, highFidelity }: CheckedCall): number {
  return model.tokens.kind === 'table' ? tileTokens(image, highFidelity) : patchTokens(image)
}

/** The picture fits into 2048 px, its short edge is brought down to 512, and 512 px tiles are counted. */
function tileTokens({ width, height }: InputPicture, highFidelity: boolean): number {
  const fitted = Math.min(1, 2_048 / Math.max(width, height))
  const scale = fitted * Math.min(1, 512 / (fitted * Math.min(width, height)))
  const tiles = Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512)
  const fidelity = width === height ? 4_160 : 6_240
  return 65 + 129 * tiles + (highFidelity ? fidelity : 0)
}

const PATCHES_MAX = 1_536

/** 32 px patches of the picture, after a small one was enlarged up to twice towards 1024 px. */
function patchTokens({ width, height }: InputPicture): number {
  const scale = Math.min(2, Math.max(1, 1_024 / Math.max(width, height)))
  const patches = Math.ceil((width * scale) / 32) * Math.ceil((height * scale) / 32)
  return Math.min(PATCHES_MAX, patches)
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
