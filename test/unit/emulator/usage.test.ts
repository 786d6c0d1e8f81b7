import { describe, expect, test } from 'vitest'
import { findModel } from '../../../src/emulator/models.ts'
import type { CheckedCall } from '../../../src/emulator/rules.ts'
import { usageOf } from '../../../src/emulator/usage.ts'

function usage(model: string, facts: Partial<CheckedCall> = {}) {
  const found = findModel(model)
  if (found === undefined) throw new Error(`no model ${model}`)
  return usageOf({
    operation: 'generate',
    model: found,
    prompt: 'a red mug',
    n: 1,
    size: { width: 1024, height: 1024 },
    quality: 'low',
    background: 'opaque',
    format: 'png',
    compression: 100,
    answerAs: 'b64_json',
    animation: undefined,
    svgAuthor: undefined,
    streaming: undefined,
    highFidelity: false,
    safetyIdentifier: undefined,
    images: [],
    ...facts,
  })
}

const size = (width: number, height: number) => ({ width, height })
const picture = (width: number, height: number) => ({
  param: 'image',
  bytes: Buffer.alloc(0),
  width,
  height,
})

describe('output tokens', () => {
  test.each([
    ['gpt-image-2', 'low', size(1024, 1024), 196],
    ['gpt-image-2', 'medium', size(1024, 1024), 1_756],
    ['gpt-image-2', 'high', size(1024, 1024), 7_024],
    ['gpt-image-2', 'low', size(1536, 1024), 158],
    ['gpt-image-2', 'medium', size(1024, 1536), 1_372],
    ['gpt-image-2', 'high', size(2048, 2048), 14_272],
    ['gpt-image-2', 'high', size(2048, 1152), 5_650],
    ['gpt-image-2', 'medium', size(3840, 2160), 3_336],
    ['gpt-image-2.5-flare', 'medium', size(1024, 1024), 439],
    ['gpt-image-2.5-flare', 'high', size(1024, 1024), 1_756],
    ['gpt-image-2.5-sunburst', 'xhigh', size(1024, 1024), 3_122],
    ['gpt-image-2.5-sunburst', 'max', size(1024, 1024), 7_024],
    ['gpt-image-1', 'low', size(1024, 1024), 272],
    ['gpt-image-1', 'medium', size(1024, 1536), 1_584],
    ['gpt-image-1.5', 'high', size(1536, 1024), 6_208],
  ])('of %s at %s and %j are %i', (model, quality, pixels, tokens) => {
    expect(usage(model, { quality, size: pixels })?.output_tokens).toBe(tokens)
  })

  test('count once for each picture', () => {
    expect(usage('gpt-image-2', { n: 3 })?.output_tokens).toBe(3 * 196)
  })
})

describe('input tokens', () => {
  test('grow with the prompt and not with n', () => {
    const short = usage('gpt-image-2')?.input_tokens ?? 0
    const long = usage('gpt-image-2', { prompt: 'a red mug '.repeat(40) })?.input_tokens ?? 0

    expect(long).toBeGreaterThan(short)
    expect(usage('gpt-image-2', { n: 4 })?.input_tokens).toBe(short)
  })

  test.each([
    ['gpt-image-2', picture(1024, 1024), false, 1_024],
    ['gpt-image-2', picture(4000, 4000), false, 1_536],
    ['gpt-image-2', picture(256, 256), false, 256],
    ['gpt-image-1', picture(1024, 1024), false, 65 + 129],
    ['gpt-image-1', picture(2048, 1024), false, 65 + 129 * 2],
    ['gpt-image-1.5', picture(1024, 1024), true, 65 + 129 + 4_160],
  ])('of %s for an input picture %#', (model, image, highFidelity, tokens) => {
    const details = usage(model, { images: [image], highFidelity })?.input_tokens_details

    expect(details?.image_tokens).toBe(tokens)
  })

  test('of pictures count once for each picture made', () => {
    const images = [picture(1024, 1024), picture(1024, 1024)]

    expect(usage('gpt-image-2', { images, n: 2 })?.input_tokens_details.image_tokens).toBe(4_096)
  })
})

test('the totals add up', () => {
  const all = usage('gpt-image-2', { images: [picture(640, 480)], n: 2 })

  expect(all?.total_tokens).toBe((all?.input_tokens ?? 0) + (all?.output_tokens ?? 0))
})

test('dall-e models report no usage', () => {
  expect(usage('dall-e-2')).toBeUndefined()
  expect(usage('dall-e-3')).toBeUndefined()
})
