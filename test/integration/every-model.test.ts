/**
 * Every operation of every model in our table, through the client, with every parameter it takes there. What
 * does not go together goes in calls of its own: a plain one, a stream, edits as JSON, a markup, gif and svg.
 */
import { expect, test } from 'vitest'
import { Secret } from '../../src/config.ts'
import { startEmulator } from '../../src/emulator/server.ts'
import { openImagesApi } from '../../src/images-api/client.ts'
import type { AnswerPart, ImagesCall, UploadPicture } from '../../src/images-api/contract.ts'
import {
  imageModelOf,
  MODEL_NAMES,
  type ImageModel,
  type ParameterName,
} from '../../src/images-api/models.ts'
import { OPERATIONS, type ImageRequest, type Operation } from '../../src/job.ts'
import { plainPng } from '../unit/emulator/requests.ts'

const cases = MODEL_NAMES.flatMap((name) => {
  const model = imageModelOf(name)
  return OPERATIONS.flatMap((operation) => {
    const taken = model?.parameters[operation]
    return model === undefined || taken === undefined ? [] : [{ name, model, operation, taken }]
  })
})

test.each(cases)('$name: $operation is taken', async ({ name, model, operation, taken }) => {
  await using emulator = await startEmulator()
  await using api = openImagesApi({
    apiKey: new Secret('sk-test'),
    baseUrl: emulator.baseUrl,
    requestTimeoutMs: 20_000,
    imageBytesMax: 10_000_000,
  })
  const openPicture = async () => ({ write: async () => undefined })
  const { signal } = new AbortController()
  const sent = new Set<string>()
  const fileId = await uploaded(emulator.baseUrl)
  for (const call of await callsOf({ ...model, id: name }, operation, fileId)) {
    const kinds: AnswerPart['kind'][] = []
    for await (const { kind } of api.send(call, { signal, openPicture })) kinds.push(kind)
    const { stream, partial_images: partials } = call.request
    expect(kinds).toEqual([...(stream && partials ? ['preview'] : []), 'picture', 'end'])
    for (const parameter of Object.keys(call.request)) sent.add(parameter)
  }
  expect(sent).toEqual(new Set(taken))
})

const GIF = ['frame_count', 'frame_duration_ms'] as const
/** They decide the form of the call. */
const OF_SOME_CALLS: readonly ParameterName[] = [...GIF, 'svg', 'stream', 'partial_images']

async function callsOf(
  model: ImageModel,
  operation: Operation,
  fileId: string,
): Promise<ImagesCall[]> {
  const image = await pictureOf(false)
  const overlay = await pictureOf(true)
  const images = operation === 'generate' ? [] : [image]
  const all = requestOf(model, operation)
  const { moderation, ...withoutModeration } = without(all, OF_SOME_CALLS)
  const plain = operation === 'edit' ? withoutModeration : { ...withoutModeration, moderation }
  const { output_compression: _, ...uncompressed } = plain
  const pick = (...names: ParameterName[]) =>
    Object.fromEntries(names.map((name) => [name, all[name]]))
  const formats = model.formats[operation] ?? []
  const calls: (Partial<ImagesCall> & { request: object })[] = [
    { request: plain, ...(operation === 'edit' && { mask: overlay }) },
  ]
  if (operation === 'edit' && model.takesReferences) {
    calls.push({ request: plain, images: [{ file_id: fileId }, image], mask: overlay })
  }
  if ('stream' in all) calls.push({ request: { ...plain, ...pick('stream', 'partial_images') } })
  if (operation === 'edit' && 'moderation' in all) calls.push({ request: { ...plain, moderation } })
  if (operation === 'edit' && model.takesMarkup) calls.push({ request: plain, markup: overlay })
  if (formats.includes('gif')) {
    calls.push({ request: { ...uncompressed, ...pick(...GIF), output_format: 'gif' } })
  }
  if (formats.includes('svg')) {
    calls.push({ request: { ...uncompressed, ...pick('svg'), output_format: 'svg' } })
  }
  return calls.map(({ request, ...pictures }) => {
    return { operation, images, ...pictures, request: defined(request) }
  })
}

function requestOf(model: ImageModel, operation: Operation): Partial<ImageRequest> {
  const values: Required<ImageRequest> = {
    model: model.id,
    prompt: 'a red mug',
    n: 1,
    size: model.sizes.free === undefined ? (model.sizes.listed[0] ?? '') : '816x816',
    quality: model.qualities[0] ?? '',
    background: 'opaque',
    output_format: 'webp',
    output_compression: 50,
    moderation: 'low',
    input_fidelity: model.inputFidelities[0] ?? '',
    complexity: model.complexities[0] ?? '',
    frame_count: 2,
    frame_duration_ms: 100,
    svg: { model: 'an-author', reasoning: { effort: 'low' } },
    stream: true,
    partial_images: 1,
    style: model.styles[0] ?? '',
    response_format: 'b64_json',
    user: 'somebody',
    safety_identifier: 'somebody',
  }
  return pickedFrom(values, model.parameters[operation] ?? [])
}

const pickedFrom = (values: ImageRequest, names: readonly ParameterName[]) =>
  Object.fromEntries(names.map((name) => [name, values[name]])) as Partial<ImageRequest>

const without = (request: Partial<ImageRequest>, names: readonly string[]) =>
  defined(Object.fromEntries(Object.entries(request).filter(([name]) => !names.includes(name))))

const defined = (request: object) =>
  Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined),
  ) as ImageRequest

async function pictureOf(hole: boolean): Promise<UploadPicture> {
  const bytes = Uint8Array.from(await plainPng(64, 64, hole))
  return { bytes, mediaType: 'image/png', filename: hole ? 'overlay.png' : 'image.png' }
}

/** A picture in the Files service, for edits that name it. */
async function uploaded(baseUrl: string): Promise<string> {
  const body = new FormData()
  body.append('purpose', 'vision')
  body.append('file', new Blob([(await pictureOf(false)).bytes], { type: 'image/png' }), 'a.png')
  const headers = { authorization: 'Bearer sk-test' }
  const response = await fetch(`${baseUrl}/files`, { method: 'POST', headers, body })
  return ((await response.json()) as { id: string }).id
}
