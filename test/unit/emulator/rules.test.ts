import { expect, test } from 'vitest'
import { ApiError } from '../../../src/emulator/api-error.ts'
import type { CallForm } from '../../../src/emulator/call-form.ts'
import { MODELS, type Operation } from '../../../src/emulator/models.ts'
import { checkCall } from '../../../src/emulator/rules.ts'
import { plainPng } from './requests.ts'

type Values = Record<string, unknown>

const form = (values: Values, encoding: CallForm['encoding'] = 'json'): CallForm => ({
  encoding,
  values: new Map(Object.entries(values)),
  images: [],
})

const check = (values: Values, operation: Operation = 'generate') =>
  checkCall(operation, form({ prompt: 'a red mug', ...values }))

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
  [
    { stream: true },
    { code: 'unsupported_value', param: 'stream', message: /does not stream yet/ },
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

  const refusal = await refusalOf(checkCall('generate', values))

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
  const refusal = await refusalOf(checkCall(operation, form({ model, prompt: 'x' }, 'multipart')))

  expect(refusal).toMatchObject({ status: 400, code: 'invalid_value', param: 'model' })
})

test('in a form, numbers and booleans are text', async () => {
  const image = { param: 'image', bytes: await plainPng(64, 64), mediaType: 'image/png' }
  const values = { model: 'gpt-image-2', prompt: 'x', n: '3', stream: 'false' }

  const call = await checkCall('edit', { ...form(values, 'multipart'), images: [image] })

  expect(call.n).toBe(3)
})

async function checkFidelity(model: string, input_fidelity: string) {
  const image = { param: 'image', bytes: await plainPng(64, 64), mediaType: 'image/png' }
  const values = form({ model, prompt: 'x', input_fidelity }, 'multipart')
  return checkCall('edit', { ...values, images: [image] })
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

  const multipart = checkCall('edit', { ...form(values, 'multipart'), images: [image] })
  const json = checkCall('edit', { ...form(values, 'json'), images: [image] })

  expect(await refusalOf(multipart)).toMatchObject({ code: 'unknown_parameter' })
  await expect(json).resolves.toBeDefined()
})
