import { expect, test } from 'vitest'
import { ApiError } from '../../../src/emulator/api-error.ts'
import type { CallForm } from '../../../src/emulator/call-form.ts'
import { MODELS, type Operation } from '../../../src/emulator/models.ts'
import { checkCall } from '../../../src/emulator/rules.ts'
import { API, plainPng } from './requests.ts'

type Values = Record<string, unknown>

const form = (values: Values, encoding: CallForm['encoding'] = 'json'): CallForm => ({
  encoding,
  values: new Map(Object.entries(values)),
  images: [],
})

const check = (values: Values, operation: Operation = 'generate') =>
  checkCall(operation, form({ prompt: 'a red mug', ...values }), API)

async function refusalOf(call: Promise<unknown>) {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ApiError)) throw new Error(`not refused by the API: ${String(error)}`)
  return { status: error.status, ...error.body.error }
}

test.each(MODELS.map(({ id }) => id))('%s generates with nothing but a prompt', async (model) => {
  const call = await check({ model })

  expect(call).toMatchObject({ n: 1, size: { width: 1024, height: 1024 }, format: 'png' })
  expect(call.model.qualities).toContain(call.quality)
})

test.each([
  ['gpt-image-2', { size: '3840x2160' }],
  ['gpt-image-2', { size: '816x816' }],
  ['gpt-image-2', { size: '2880x2880' }],
  ['gpt-image-2.6-flare', { size: '1536x512', quality: 'max', complexity: 'high' }],
  ['gpt-image-2', { size: 'auto', quality: 'auto', background: 'auto', output_compression: 100 }],
  ['gpt-image-2', { background: 'transparent', output_format: 'webp', output_compression: 40 }],
  ['gpt-image-1', { size: '1024x1536', moderation: 'low', n: 10, user: 'u' }],
  ['gpt-image-1.5', { partial_images: 0, stream: false, safety_identifier: 'abc' }],
  ['dall-e-3', { size: '1792x1024', quality: 'hd', style: 'vivid', response_format: 'url' }],
  ['dall-e-2', { size: '256x256', quality: 'standard', n: 10 }],
])('%s takes %j', async (model, values) => {
  await expect(check({ model, ...values })).resolves.toMatchObject({ model: { id: model } })
})

test.each<[Values, { code: string; param: string; message: RegExp }]>([
  [
    { response_format: 'b64_json' },
    { code: 'unknown_parameter', param: 'response_format', message: /Unknown parameter/ },
  ],
  [{ style: 'vivid' }, { code: 'unknown_parameter', param: 'style', message: /style/ }],
  [{ seed: 1 }, { code: 'unknown_parameter', param: 'seed', message: /seed/ }],
  [
    { input_fidelity: 'high' },
    { code: 'unknown_parameter', param: 'input_fidelity', message: /./ },
  ],
  [{ size: '1000x1000' }, { code: 'invalid_value', param: 'size', message: /divisible by 16/ }],
  [{ size: '3856x1600' }, { code: 'invalid_value', param: 'size', message: /longest edge/ }],
  [{ size: '3200x1024' }, { code: 'invalid_value', param: 'size', message: /3 times/ }],
  [
    { size: '800x800' },
    { code: 'invalid_value', param: 'size', message: /below the current minimum/ },
  ],
  [{ size: '3840x2176' }, { code: 'invalid_value', param: 'size', message: /exceeds the current/ }],
  [{ size: 'large' }, { code: 'invalid_value', param: 'size', message: /WIDTHxHEIGHT/ }],
  [{ quality: 'hd' }, { code: 'invalid_value', param: 'quality', message: /'auto', 'low'/ }],
  [{ quality: 'max' }, { code: 'invalid_value', param: 'quality', message: /'high'/ }],
  [{ output_format: 'gif' }, { code: 'invalid_value', param: 'output_format', message: /'webp'/ }],
  [
    { background: 'transparent', output_format: 'jpeg' },
    { code: 'invalid_value', param: 'background', message: /'png' or 'webp'/ },
  ],
  [
    { output_compression: 50 },
    { code: 'invalid_value', param: 'output_compression', message: /PNG/ },
  ],
  [{ n: 11 }, { code: 'integer_above_max_value', param: 'n', message: /<= 10, but got 11/ }],
  [{ n: 0 }, { code: 'integer_below_min_value', param: 'n', message: />= 1/ }],
  [{ n: '2' }, { code: 'invalid_type', param: 'n', message: /an integer, but got a string/ }],
  [{ n: 1.5 }, { code: 'invalid_type', param: 'n', message: /an integer/ }],
  [{ prompt: 7 }, { code: 'invalid_type', param: 'prompt', message: /a string/ }],
  [{ prompt: '' }, { code: 'empty_string', param: 'prompt', message: /minimum length 1/ }],
  [
    { prompt: 'x'.repeat(32_001) },
    { code: 'string_above_max_length', param: 'prompt', message: /maximum length 32000/ },
  ],
  [{ stream: 'true' }, { code: 'invalid_type', param: 'stream', message: /a boolean/ }],
])('gpt-image-2 refuses %j', async (values, { message, ...expected }) => {
  const refusal = await refusalOf(check({ model: 'gpt-image-2', ...values }))

  expect(refusal).toMatchObject({ status: 400, ...expected })
  expect(refusal.message).toMatch(message)
})

test('a value that only this model refuses is called an image generation error', async () => {
  const size = await refusalOf(check({ model: 'gpt-image-1', size: '2048x2048' }))
  const name = await refusalOf(check({ model: 'gpt-image-1', frobnicate: true }))

  expect(size).toMatchObject({ type: 'image_generation_user_error' })
  expect(size.message).toContain("'1536x1024'")
  expect(name).toMatchObject({ type: 'invalid_request_error' })
})

test('a missing prompt is told before a bad size', async () => {
  const values = form({ model: 'gpt-image-2', size: '1x1' })

  const refusal = await refusalOf(checkCall('generate', values, API))

  expect(refusal).toMatchObject({ code: 'missing_required_parameter', param: 'prompt' })
})

test('an unknown model does not exist', async () => {
  const refusal = await refusalOf(check({ model: 'gpt-image-2.5' }))

  expect(refusal).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' })
})

test('dall-e-3 makes one picture at a time', async () => {
  const refusal = await refusalOf(check({ model: 'dall-e-3', n: 2 }))

  expect(refusal).toMatchObject({ code: 'integer_above_max_value', param: 'n' })
})

test('dall-e models know none of the newer parameters', async () => {
  for (const name of ['background', 'output_format', 'moderation', 'stream', 'safety_identifier']) {
    const refusal = await refusalOf(check({ model: 'dall-e-2', [name]: 'auto' }))

    expect(refusal).toMatchObject({ code: 'unknown_parameter', param: name })
  }
})

test.each([
  ['dall-e-3', 'edit'],
  ['gpt-image-2', 'variation'],
] as const)('%s has no endpoint for %s', async (model, operation) => {
  const refusal = await refusalOf(
    checkCall(operation, form({ model, prompt: 'x' }, 'multipart'), API),
  )

  expect(refusal).toMatchObject({ status: 400, code: 'invalid_value', param: 'model' })
})

test('in a form, numbers and booleans are text', async () => {
  const image = { param: 'image', bytes: await plainPng(64, 64), mediaType: 'image/png' }
  const values = { model: 'gpt-image-2', prompt: 'x', n: '3', stream: 'false' }

  const call = await checkCall('edit', { ...form(values, 'multipart'), images: [image] }, API)

  expect(call.n).toBe(3)
})

async function checkFidelity(model: string, input_fidelity: string) {
  const image = { param: 'image', bytes: await plainPng(64, 64), mediaType: 'image/png' }
  const values = form({ model, prompt: 'x', input_fidelity }, 'multipart')
  return checkCall('edit', { ...values, images: [image] }, API)
}

test.each([
  ['gpt-image-1.5', 'high', true],
  ['gpt-image-1', 'low', false],
  ['gpt-image-1-mini', 'low', false],
])('%s takes input_fidelity %s', async (model, value, highFidelity) => {
  expect(await checkFidelity(model, value)).toMatchObject({ highFidelity })
})

test.each([
  ['gpt-image-1-mini', 'high', /Supported values are: 'low'/],
  ['gpt-image-2', 'high', /does not support changing/],
  ['gpt-image-2.6-flare', 'low', /does not support changing/],
])('%s refuses input_fidelity %s', async (model, value, message) => {
  expect((await refusalOf(checkFidelity(model, value))).message).toMatch(message)
})

test('moderation belongs to the JSON form of an edit, not to the multipart form', async () => {
  const image = { param: 'image', bytes: await plainPng(64, 64), mediaType: 'image/png' }
  const values = { model: 'gpt-image-2', prompt: 'x', moderation: 'low' }

  const multipart = checkCall('edit', { ...form(values, 'multipart'), images: [image] }, API)
  const json = checkCall('edit', { ...form(values, 'json'), images: [image] }, API)

  expect(await refusalOf(multipart)).toMatchObject({ code: 'unknown_parameter' })
  await expect(json).resolves.toBeDefined()
})

const FLARE = 'gpt-image-2.6-flare'

test.each<[Values, Values]>([
  [{ output_format: 'gif' }, { animation: { frameCount: 9, frameDurationMs: 200 } }],
  [
    { output_format: 'gif', frame_count: 16, frame_duration_ms: 24 },
    { animation: { frameCount: 16, frameDurationMs: 20 } },
  ],
  [
    { output_format: 'gif', frame_count: 2, frame_duration_ms: 700_000 },
    { animation: { frameCount: 2, frameDurationMs: 655_350 } },
  ],
  [{ output_format: 'gif', stream: false, partial_images: 0, output_compression: 100 }, { n: 1 }],
  [{ output_format: 'svg' }, { svgAuthor: 'emulated-svg-author', animation: undefined }],
  [{ output_format: 'svg', svg: { model: 'a', reasoning: { effort: 'max' } } }, { svgAuthor: 'a' }],
  [{ output_format: 'svg', svg: { model: 'a', reasoning: null } }, { svgAuthor: 'a' }],
  [{ stream: true }, { streaming: { partialImages: 0 } }],
  [
    { stream: true, partial_images: 3, n: 2 },
    { streaming: { partialImages: 3 }, n: 2 },
  ],
  [{ partial_images: 3 }, { streaming: undefined }],
])('%j is understood', async (values, expected) => {
  expect(await check({ model: FLARE, ...values })).toMatchObject(expected)
})

test.each<[Values, string, RegExp]>([
  [{ output_format: 'gif', stream: true }, 'stream', /does not support 'stream'/],
  [{ output_format: 'gif', partial_images: 1 }, 'partial_images', /does not support/],
  [{ output_format: 'gif', output_compression: 80 }, 'output_compression', /GIF/],
  [{ output_format: 'gif', background: 'transparent' }, 'background', /not 'gif'/],
  [{ output_format: 'gif', frame_count: 17 }, 'frame_count', /<= 16/],
  [{ output_format: 'gif', frame_count: 1 }, 'frame_count', />= 2/],
  [{ output_format: 'gif', frame_duration_ms: 10 }, 'frame_duration_ms', />= 20/],
  [{ frame_count: 4 }, 'frame_count', /only supported with output_format 'gif'/],
  [{ frame_duration_ms: 100 }, 'frame_duration_ms', /only supported with output_format 'gif'/],
  [{ output_format: 'svg', n: 2 }, 'n', /only n=1/],
  [{ output_format: 'svg', stream: true }, 'stream', /does not support 'stream'/],
  [{ output_format: 'svg', output_compression: 50 }, 'output_compression', /SVG/],
  [{ output_format: 'svg', svg: {} }, 'svg.model', /Missing/],
  [{ output_format: 'svg', svg: { model: 'a', size: 1 } }, 'svg.size', /Unknown/],
  [{ output_format: 'svg', svg: 'a' }, 'svg', /an object/],
  [
    { output_format: 'svg', svg: { model: 'a', reasoning: { effort: 'huge' } } },
    'svg.reasoning.effort',
    /minimal/,
  ],
  [{ svg: { model: 'a' } }, 'svg', /only supported with output_format 'svg'/],
  [{ partial_images: 4, stream: true }, 'partial_images', /<= 3/],
])('%j is refused', async (values, param, message) => {
  const refusal = await refusalOf(check({ model: FLARE, ...values }))

  expect(refusal).toMatchObject({ status: 400, param })
  expect(refusal.message).toMatch(message)
})

test.each(['gpt-image-2', 'gpt-image-2.5-flare'])('%s knows no gif and no svg', async (model) => {
  for (const output_format of ['gif', 'svg']) {
    expect(await refusalOf(check({ model, output_format }))).toMatchObject({
      code: 'invalid_value',
    })
  }
  for (const name of ['frame_count', 'svg', 'complexity']) {
    expect(await refusalOf(check({ model, [name]: 2 }))).toMatchObject({
      code: 'unknown_parameter',
    })
  }
})

test('an edit makes a gif, without a mask, and no svg', async () => {
  const bytes = await plainPng(64, 64, true)
  const image = { param: 'image', bytes, mediaType: 'image/png' }
  const edit = (output_format: string, more: Partial<CallForm> = {}) => {
    const values = { model: FLARE, prompt: 'x', output_format }
    return checkCall('edit', { ...form(values, 'multipart'), images: [image], ...more }, API)
  }

  expect(await edit('gif')).toMatchObject({ format: 'gif' })
  expect(await refusalOf(edit('gif', { mask: image }))).toMatchObject({ param: 'mask' })
  expect(await refusalOf(edit('svg'))).toMatchObject({ param: 'output_format' })
})

test.each([
  ['gpt-image-2.5-sunburst', 'multipart', undefined],
  ['gpt-image-2', 'multipart', 'unknown_parameter'],
  ['gpt-image-2.5-sunburst', 'json', 'unknown_parameter'],
] as const)('%s takes a markup in a %s edit: %s', async (model, encoding, code) => {
  const bytes = await plainPng(64, 64, true)
  const image = { param: 'image', bytes, mediaType: 'image/png' }
  const values = form({ model, prompt: 'x', ...(encoding === 'json' && { markup: {} }) }, encoding)
  const files = encoding === 'json' ? {} : { markup: image }

  const call = checkCall('edit', { ...values, images: [image], ...files }, API)

  if (code === undefined) expect((await call).markup).toMatchObject({ width: 64 })
  else expect(await refusalOf(call)).toMatchObject({ code, param: 'markup' })
})
