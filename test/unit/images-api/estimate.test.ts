import { describe, expect, test } from 'vitest'
import type { ImageRequest } from '../../../src/job.ts'
import { plannedTokensOf } from '../../../src/images-api/planned-tokens.ts'
import { costUsdOf, estimateUsdOf } from '../../../src/images-api/prices.ts'

const request = (
  model: string,
  quality: string,
  size = '1024x1024',
  others: Partial<ImageRequest> = {},
): ImageRequest => ({ model, quality, size, n: 1, ...others })

describe('tokens of a picture', () => {
  test.each([
    ['gpt-image-2', 'low', '1024x1024', 196],
    ['gpt-image-2', 'medium', '1024x1024', 1_756],
    ['gpt-image-2', 'high', '1024x1024', 7_024],
    ['gpt-image-2', 'low', '1536x1024', 158],
    ['gpt-image-2', 'medium', '1024x1536', 1_372],
    ['gpt-image-2', 'high', '1536x1024', 5_488],
    ['gpt-image-2', 'high', '2048x2048', 14_272],
    ['gpt-image-2', 'medium', '2048x1152', 1_413],
    ['gpt-image-2-2026-04-21', 'high', '3840x2160', 13_342],
    ['gpt-image-2.5-flare', 'low', '1024x1024', 196],
    ['gpt-image-2.5-flare', 'medium', '1024x1024', 439],
    ['gpt-image-2.5-sunburst', 'high', '1024x1024', 1_756],
    ['gpt-image-2.5-sunburst', 'xhigh', '1024x1024', 3_122],
    ['gpt-image-2.5-sunburst', 'max', '1024x1024', 7_024],
    ['gpt-image-2.6-flare', 'high', '1024x1024', 1_756],
    ['gpt-image-1.5', 'medium', '1024x1536', 1_584],
    ['gpt-image-1', 'high', '1536x1024', 6_208],
  ])('%s %s %s: %d', (model, quality, size, tokens) => {
    expect(plannedTokensOf(request(model, quality, size), [])).toMatchObject({ imageOut: tokens })
  })

  test('of 2.6 in its lower qualities are near what was seen, and never above the next one', () => {
    const low = plannedTokensOf(request('gpt-image-2.6-flare', 'low', '1536x1024'), [])?.imageOut

    expect(Math.abs(low! - 664)).toBeLessThan(5)
    const medium = plannedTokensOf(request('gpt-image-2.6-flare', 'medium'), [])?.imageOut
    expect(medium).toBeLessThanOrEqual(1_756)
  })
})

describe('the estimate', () => {
  test.each([
    ['gpt-image-2', 'low', '1024x1024', 0.006],
    ['gpt-image-2', 'high', '1024x1536', 0.165],
    ['gpt-image-1.5', 'high', '1024x1024', 0.133],
    ['gpt-image-1.5', 'medium', '1536x1024', 0.05],
    ['gpt-image-1', 'low', '1024x1024', 0.011],
    ['gpt-image-1-mini', 'high', '1024x1024', 0.036],
    ['gpt-image-1-mini', 'low', '1024x1536', 0.006],
  ])('of %s %s %s is OpenAI’s price point', (model, quality, size, usd) => {
    expect(estimateUsdOf(request(model, quality, size), [])).toBeCloseTo(usd, 3)
  })

  test('is what the answer is booked with, where the tokens are as expected', () => {
    const row = request('gpt-image-2', 'medium', '1024x1024', { prompt: 'x'.repeat(40), n: 2 })
    const usage = {
      input_tokens: 32,
      input_tokens_details: { text_tokens: 32 },
      output_tokens: 3_512,
    }

    expect(estimateUsdOf(row, [])).toBeCloseTo(costUsdOf('gpt-image-2', usage)!, 6)
  })

  test.each([
    [{ width: 256, height: 256 }, 256],
    [{ width: 300, height: 200 }, 19 * 13],
    [{ width: 1_024, height: 1_024 }, 1_024],
    [{ width: 4_000, height: 3_000 }, 1_536],
    [undefined, 1_536],
  ])('of an input picture of %o is %d tokens', (size, tokens) => {
    expect(plannedTokensOf(request('gpt-image-2', 'low'), [size])?.imageIn).toBe(tokens)
  })

  test('grows with pictures, previews, inputs and fidelity', () => {
    const one = estimateUsdOf(request('gpt-image-2', 'low'), [])!
    const inTokens = 1_536 * 8
    const UNKNOWN = Array.from({ length: 4 }, () => undefined)
    expect(estimateUsdOf(request('gpt-image-2', 'low', 'auto', { n: 3 }), [])).toBeCloseTo(
      3 * one,
      9,
    )
    expect(
      estimateUsdOf(request('gpt-image-2', 'low', 'auto', { n: 2, partial_images: 3 }), []),
    ).toBeCloseTo(2 * one + (600 * 30) / 1e6, 9)
    expect(estimateUsdOf(request('gpt-image-2', 'low', 'auto', { n: 2 }), UNKNOWN)).toBeCloseTo(
      2 * one + (8 * inTokens) / 1e6,
      9,
    )
    const fine = request('gpt-image-1.5', 'low', '1024x1024', { input_fidelity: 'high' })
    expect(estimateUsdOf(fine, [undefined])).toBeGreaterThan(
      estimateUsdOf({ ...fine, input_fidelity: 'low' }, [undefined])!,
    )
  })

  test.each<[string, ImageRequest]>([
    ['a quality left to the server', request('gpt-image-2', 'auto')],
    ['gif', request('gpt-image-2.6-flare', 'low', 'auto', { output_format: 'gif' })],
    ['svg', request('gpt-image-2.6-flare', 'low', 'auto', { output_format: 'svg' })],
    ['DALL-E', request('dall-e-3', 'standard')],
    ['a variation', { model: 'dall-e-2', n: 1 }],
    ['an unknown model', request('some-model', 'low')],
  ])('is missing for %s', (_, row) => {
    expect(estimateUsdOf(row, [])).toBeNull()
  })
})
