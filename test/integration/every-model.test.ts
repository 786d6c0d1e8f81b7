/** Every operation of every model in our table, through the client, with every parameter it takes there. */
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/server.ts'
import { openImagesApi } from '../../src/images-api/client.ts'
import type { AnswerPart, ImagesCall } from '../../src/images-api/contract.ts'
import { imageModelOf, MODEL_NAMES, type ImageModel } from '../../src/images-api/models.ts'
import { OPERATIONS, type ImageRequest, type Operation } from '../../src/job.ts'
import { Secret } from '../../src/config.ts'
import { plainPng } from '../unit/emulator/requests.ts'

const cases = MODEL_NAMES.flatMap((name) => {
  const model = imageModelOf(name)
  return OPERATIONS.flatMap((operation) =>
    model?.parameters[operation] === undefined ? [] : [{ name, model, operation }],
  )
})

test.each(cases)('$name: $operation is taken', async ({ name, model, operation }) => {
  await using emulator = await startEmulator()
  await using api = openImagesApi({
    apiKey: new Secret('sk-test'),
    baseUrl: emulator.baseUrl,
    requestTimeoutMs: 20_000,
    imageBytesMax: 10_000_000,
  })
  const bytes = Uint8Array.from(await plainPng(64, 64))
  const call: ImagesCall = {
    operation,
    request: { ...fullRequest(model, operation), model: name },
    images: operation === 'generate' ? [] : [{ bytes, mediaType: 'image/png', filename: 'a.png' }],
  }

  const kinds: AnswerPart['kind'][] = []
  const openPicture = async () => ({ write: async () => undefined })
  const signal = new AbortController().signal
  for await (const { kind } of api.send(call, { signal, openPicture })) kinds.push(kind)

  expect(kinds).toEqual(['picture', 'end'])
})

function fullRequest(model: ImageModel, operation: Operation): ImageRequest {
  const values: Required<ImageRequest> = {
    model: model.id,
    prompt: 'a red mug',
    n: 1,
    size: model.sizes.free === undefined ? (model.sizes.listed[0] ?? '') : '1024x1024',
    quality: model.qualities[0] ?? '',
    background: 'opaque',
    output_format: 'webp',
    output_compression: 50,
    moderation: 'low',
    input_fidelity: model.inputFidelities[0] ?? '',
    style: model.styles[0] ?? '',
    response_format: 'b64_json',
    user: 'somebody',
    safety_identifier: 'somebody',
  }
  const taken = new Set<string>(model.parameters[operation])
  const request = Object.entries(values).filter(([name]) => taken.has(name))
  return Object.fromEntries(request) as ImageRequest
}
