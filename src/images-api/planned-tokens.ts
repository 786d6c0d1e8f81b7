/**
 * About how many tokens a call will take, before it is sent. From OpenAI's tables where there are some, elsewhere
 * from formulas that fit what the API was seen to report. Where a choice is left to the server there is no number.
 */
import type { ImageRequest } from '../job.ts'
import { imageModelOf } from './models.ts'
import { parseSize, type Size } from './sizes.ts'

export interface PlannedTokens {
  textIn: number
  imageIn: number
  imageOut: number
}

/** What `auto` and a size that is not given most often come to. */
const SIZE_BY_DEFAULT: Size = { width: 1_024, height: 1_024 }
const TOKENS_PER_PARTIAL = 100
const TEXT_BYTES_PER_TOKEN = 4
const TEXT_TOKENS_MORE = 6

/**
 * Of `inputs`, sizes as far as they are known. Undefined for gif, svg and DALL-E, for unknown models, and when the
 * server chooses the quality.
 */
export function plannedTokensOf(
  request: ImageRequest,
  inputs: readonly (Size | undefined)[],
): PlannedTokens | undefined {
  const perPicture = pictureTokensOf(request)
  if (perPicture === undefined) return undefined
  const { n, prompt = '', partial_images: partials = 0 } = request
  const textBytes = Buffer.byteLength(prompt)
  return {
    textIn: n * (Math.ceil(textBytes / TEXT_BYTES_PER_TOKEN) + TEXT_TOKENS_MORE),
    imageIn: n * inputs.reduce((tokens, size) => tokens + inputTokensOf(request, size), 0),
    imageOut: n * (perPicture + partials * TOKENS_PER_PARTIAL),
  }
}

function pictureTokensOf({ model, size, quality = '', output_format }: ImageRequest) {
  if (output_format === 'gif' || output_format === 'svg') return undefined
  const id = imageModelOf(model)?.id
  const tokensOf = id === undefined ? undefined : PICTURE_TOKENS[id]
  return tokensOf?.(quality, (size && parseSize(size)) || SIZE_BY_DEFAULT)
}

/** Undefined for a quality that is not in its list. */
type TokensOf = (quality: string, size: Size) => number | undefined

interface ShapeTokens {
  square: number
  portrait: number
  landscape: number
}

const byShape =
  (table: Readonly<Record<string, ShapeTokens>>): TokensOf =>
  (quality, { width, height }) => {
    const shape = width === height ? 'square' : width < height ? 'portrait' : 'landscape'
    return table[quality]?.[shape]
  }

const firstGeneration = byShape({
  low: { square: 272, portrait: 408, landscape: 400 },
  medium: { square: 1_056, portrait: 1_584, landscape: 1_568 },
  high: { square: 4_160, portrait: 6_240, landscape: 6_208 },
})

/** OpenAI lists dollars per picture here; these are the tokens that many dollars would be. */
const mini = byShape({
  low: { square: 625, portrait: 750, landscape: 750 },
  medium: { square: 1_375, portrait: 1_875, landscape: 1_875 },
  high: { square: 4_500, portrait: 6_500, landscape: 6_500 },
})

/** A picture is a grid of cells, `finenessOf` along its long edge; larger ones take more tokens per cell. */
const byGrid =
  (finenessOf: Readonly<Record<string, number>>): TokensOf =>
  (quality, { width, height }) => {
    const fineness = finenessOf[quality]
    if (fineness === undefined) return undefined
    const [long, short] = [Math.max(width, height), Math.min(width, height)]
    const across = Math.floor((2 * fineness * short + long) / (2 * long))
    return Math.ceil((fineness * across * (2_000_000 + width * height)) / 4_000_000)
  }

const gpt2 = byGrid({ low: 16, medium: 48, high: 96 })
const gpt25 = byGrid({ low: 16, medium: 24, high: 48, xhigh: 64, max: 96 })

/** Of the lower qualities 3 to 4.2 times the tokens of 2.5 were seen, of the others the same. */
const GPT_26_FACTOR = 4.2
const gpt26: TokensOf = (quality, size) => {
  const tokens = gpt25(quality, size)
  if (tokens === undefined || (quality !== 'low' && quality !== 'medium')) return tokens
  return Math.min(Math.ceil(GPT_26_FACTOR * tokens), gpt25('high', size) ?? Infinity)
}

const PICTURE_TOKENS: Readonly<Record<string, TokensOf>> = {
  'gpt-image-2.6-sunburst': gpt26,
  'gpt-image-2.6-flare': gpt26,
  'gpt-image-2.5-sunburst': gpt25,
  'gpt-image-2.5-flare': gpt25,
  'gpt-image-2': gpt2,
  'gpt-image-1.5': firstGeneration,
  'chatgpt-image-latest': firstGeneration,
  'gpt-image-1-mini': mini,
  'gpt-image-1': firstGeneration,
}

const FIRST_GENERATION: ReadonlySet<TokensOf> = new Set([firstGeneration, mini])
/** 65 and 129 per tile of 512 pixels, two tiles: a picture that is not square, up to 1:2. */
const INPUT_TOKENS_OF_TILES = 65 + 2 * 129
const INPUT_TOKENS_OF_HIGH_FIDELITY = 6_240
const PATCHES_MAX = 1_536
const PATCH_PIXELS = 32
/** A smaller picture is enlarged towards it, but not more than twice. */
const LONG_EDGE_PIXELS = 1_024

/** Per input picture. Rather too many than too few where its size is not known. */
function inputTokensOf({ model, input_fidelity }: ImageRequest, size: Size | undefined): number {
  const tokensOf = PICTURE_TOKENS[imageModelOf(model)?.id ?? '']
  if (tokensOf === undefined || !FIRST_GENERATION.has(tokensOf)) return patchesOf(size)
  return INPUT_TOKENS_OF_TILES + (input_fidelity === 'high' ? INPUT_TOKENS_OF_HIGH_FIDELITY : 0)
}

/** Of 2.5 and later nothing is known: as gpt-image-2. */
function patchesOf(size: Size | undefined): number {
  if (size === undefined) return PATCHES_MAX
  const { width, height } = size
  const scale = Math.min(2, Math.max(1, LONG_EDGE_PIXELS / Math.max(width, height)))
  const along = (edge: number) => Math.ceil((edge * scale) / PATCH_PIXELS)
  return Math.min(PATCHES_MAX, along(width) * along(height))
}
