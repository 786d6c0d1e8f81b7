/** What a call costs by OpenAI's list prices: from the tokens the API reported, or before it is sent, about. */
import { z } from 'zod'
import type { ImageRequest } from '../job.ts'
import type { Usage } from './contract.ts'
import { imageModelOf } from './models.ts'
import { plannedTokensOf } from './planned-tokens.ts'
import type { Size } from './sizes.ts'

/** When the prices below were read; a record says with which table it was priced. */
export const PRICE_TABLE_DATE = '2026-11-20'

/** USD per million tokens. */
interface TokenPrices {
  textIn: number
  imageIn: number
  imageOut: number
  /** Absent where OpenAI lists none: such tokens are then priced like picture tokens. */
  textOut?: number
}

const GPT_2: TokenPrices = { textIn: 5, imageIn: 8, imageOut: 30 }
const GPT_1_5: TokenPrices = { textIn: 5, imageIn: 8, imageOut: 32, textOut: 10 }

const PRICES: Readonly<Record<string, TokenPrices>> = {
  'gpt-image-2.6-sunburst': GPT_2,
  'gpt-image-2.6-flare': GPT_2,
  'gpt-image-2.5-sunburst': GPT_2,
  'gpt-image-2.5-flare': GPT_2,
  'gpt-image-2': GPT_2,
  'gpt-image-1.5': GPT_1_5,
  'chatgpt-image-latest': GPT_1_5,
  'gpt-image-1-mini': { textIn: 2, imageIn: 2.5, imageOut: 8 },
  'gpt-image-1': { textIn: 5, imageIn: 10, imageOut: 40 },
}

const TokenCount = z.int().min(0).max(1_000_000_000)
const TokenSplit = z
  .object({ text_tokens: TokenCount.default(0), image_tokens: TokenCount.default(0) })
  .nullish()

const PricedUsage = z.object({
  input_tokens: TokenCount,
  input_tokens_details: TokenSplit,
  output_tokens: TokenCount,
  output_tokens_details: TokenSplit,
})

/**
 * Null when the model has no price here, or the usage is missing or makes no sense, or speaks also of the
 * author of an svg, which is another model. Tokens that the API did not split into text and picture are
 * counted at the dearer price, so that a cost is never too low. Partial pictures are in the usage already.
 */
export function costUsdOf(model: string, usage: Usage | null): number | null {
  if (usage?.['svg_usage'] !== undefined) return null
  const prices = PRICES[imageModelOf(model)?.id ?? '']
  const parsed = PricedUsage.safeParse(usage)
  if (prices === undefined || !parsed.success) return null
  const { input_tokens: tokensIn, output_tokens: tokensOut, ...details } = parsed.data
  const { textIn, imageIn, imageOut, textOut = imageOut } = prices
  const costIn = costOf(tokensIn, details.input_tokens_details, { text: textIn, image: imageIn })
  const costOut = costOf(tokensOut, details.output_tokens_details, {
    text: textOut,
    image: imageOut,
  })
  if (costIn === null || costOut === null) return null
  // Prices are per million tokens, so this is the sixth decimal of a dollar.
  return Math.round(costIn + costOut) / 1_000_000
}

function costOf(
  tokens: number,
  split: z.infer<typeof TokenSplit>,
  price: { text: number; image: number },
): number | null {
  const { text_tokens: text, image_tokens: image } = split ?? { text_tokens: 0, image_tokens: 0 }
  const unsplit = tokens - text - image
  if (unsplit < 0) return null
  return text * price.text + image * price.image + unsplit * Math.max(price.text, price.image)
}

/**
 * About what a call will cost; null where nothing can be said: gif, svg, DALL-E, unknown models, and a quality that
 * is left to the server. A size left to the server counts as 1024x1024, an input picture whose size is not known as a
 * large one.
 */
export function estimateUsdOf(
  request: ImageRequest,
  inputs: readonly (Size | undefined)[],
): number | null {
  const prices = PRICES[imageModelOf(request.model)?.id ?? '']
  const tokens = plannedTokensOf(request, inputs)
  if (prices === undefined || tokens === undefined) return null
  const { textIn, imageIn, imageOut } = tokens
  return (
    (textIn * prices.textIn + imageIn * prices.imageIn + imageOut * prices.imageOut) / 1_000_000
  )
}
