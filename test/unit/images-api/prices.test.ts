import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costUsdOf, PRICE_TABLE_DATE } from '../../../src/images-api/prices.ts'

const usage = (text: number, image: number, out: number) => ({
  input_tokens: text + image,
  input_tokens_details: { text_tokens: text, image_tokens: image },
  output_tokens: out,
  total_tokens: text + image + out,
})

describe('the cost of a call', () => {
  test.each([
    // A million tokens of each kind cost the list prices.
    ['gpt-image-2', usage(1_000_000, 1_000_000, 1_000_000), 43],
    ['gpt-image-2-2026-04-21', usage(0, 0, 1_756), 0.05268],
    ['gpt-image-2.5-flare', usage(1_000_000, 0, 0), 5],
    ['gpt-image-2.6-sunburst', usage(0, 1_000_000, 0), 8],
    ['gpt-image-1.5', usage(0, 0, 1_000_000), 32],
    ['chatgpt-image-latest', usage(0, 0, 1_000_000), 32],
    ['gpt-image-1-mini', usage(1_000_000, 1_000_000, 1_000_000), 12.5],
    ['gpt-image-1', usage(1_000_000, 1_000_000, 1_000_000), 55],
    ['gpt-image-2', usage(15, 0, 196), 0.005955],
    ['gpt-image-2', usage(0, 0, 0), 0],
  ])('of %s for %j is %d dollars', (model, tokens, cost) => {
    expect(costUsdOf(model, tokens)).toBe(cost)
  })

  test('text in the output has its own price where one is listed', () => {
    const split = {
      ...usage(0, 0, 1_000_000),
      output_tokens_details: { text_tokens: 400_000, image_tokens: 600_000 },
    }

    expect(costUsdOf('gpt-image-1.5', split)).toBe(0.4 * 10 + 0.6 * 32)
    expect(costUsdOf('gpt-image-2', split)).toBe(30)
  })

  test('tokens that are not split are counted at the dearer price', () => {
    expect(costUsdOf('gpt-image-2', { input_tokens: 1_000_000, output_tokens: 0 })).toBe(8)
    expect(
      costUsdOf('gpt-image-2', {
        input_tokens: 1_000_000,
        input_tokens_details: { text_tokens: 500_000 },
        output_tokens: 0,
        output_tokens_details: null,
      }),
    ).toBe(6.5)
  })

  test('is rounded to the millionth of a dollar', () => {
    expect(costUsdOf('gpt-image-1-mini', usage(0, 1, 0))).toBe(0.000003)
  })

  test.each([
    ['an unknown model', 'flux', usage(1, 1, 1)],
    ['a model priced per picture', 'dall-e-3', usage(1, 1, 1)],
    ['no usage', 'gpt-image-2', null],
    ['an empty usage', 'gpt-image-2', {}],
    [
      'an author of an svg, which is another model',
      'gpt-image-2.6-flare',
      { ...usage(1, 1, 1), svg_usage: { model: 'gpt-6', input_tokens: 1, output_tokens: 1 } },
    ],
    ['negative tokens', 'gpt-image-2', usage(0, 0, -1)],
    ['half a token', 'gpt-image-2', usage(0, 0, 0.5)],
    ['tokens as text', 'gpt-image-2', { input_tokens: '5', output_tokens: '7' }],
    ['absurdly many tokens', 'gpt-image-2', usage(0, 0, 1e15)],
    ['more in the parts than in all', 'gpt-image-2', { ...usage(5, 5, 1), input_tokens: 9 }],
    ['a name of Object.prototype', 'constructor', usage(1, 1, 1)],
  ])('is unknown with %s', (_, model, tokens) => {
    expect(costUsdOf(model, tokens)).toBeNull()
  })

  test('is never negative and never above every token at the dearest price', () => {
    const count = fc.nat(1_000_000)
    fc.assert(
      fc.property(count, count, count, (text, image, out) => {
        const cost = costUsdOf('gpt-image-2', usage(text, image, out)) ?? Number.NaN
        expect(cost).toBeGreaterThanOrEqual(0)
        expect(cost).toBeLessThanOrEqual(((text + image + out) * 30) / 1_000_000 + 1e-6)
      }),
    )
  })

  test('names the day of its price table', () => {
    expect(PRICE_TABLE_DATE).toMatch(/^\d{4}-\d\d-\d\d$/)
  })
})
