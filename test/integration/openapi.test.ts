/**
 * The emulator's answers and renderq's own requests, held to OpenAI's description of the API. It is older than
 * the newest models: what they brought is listed here, and everything else has to fit, unknown names included.
 */
import { readFile } from 'node:fs/promises'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { type Emulator, startEmulator } from '../../src/emulator/server.ts'
import type { ImagesCall, UploadPicture } from '../../src/images-api/contract.ts'
import { wireRequestOf } from '../../src/images-api/request.ts'
import { openapiFile, services } from '../helpers/services.ts'
import { asFile, plainPng } from '../unit/emulator/requests.ts'

type Schema = Record<string, unknown>
interface Description {
  components: { schemas: Record<string, Schema & { properties?: Record<string, Schema> }> }
}

const SIZE = { type: 'string', pattern: String.raw`^(auto|\d+x\d+)$` }
const QUALITY = { enum: ['low', 'medium', 'high', 'xhigh', 'max', 'auto'] }
const TEXT = { type: 'string' }
const COMPLEXITY = { enum: ['low', 'medium', 'high'] }
const FRAMES = { type: 'integer', minimum: 2, maximum: 16 }
const DURATION = { type: 'integer', minimum: 20, maximum: 655_350 }
const SVG = { type: 'object', required: ['model'] }
const SVG_USAGE = { type: 'object', required: ['model', 'total_tokens'] }
const EVENTS = ['ImageGen', 'ImageEdit'].flatMap((name) => [
  `${name}PartialImageEvent`,
  `${name}CompletedEvent`,
])

/** What came after the description, as the official SDK and the guides tell it. */
const NEWER: Readonly<Record<string, Record<string, Schema>>> = {
  ImagesResponse: {
    size: SIZE,
    quality: QUALITY,
    output_format: { enum: ['png', 'webp', 'jpeg', 'gif', 'svg'] },
    svg_usage: SVG_USAGE,
    safety_identifier: TEXT,
  },
  ...Object.fromEntries(
    EVENTS.map((name) => [name, { size: SIZE, quality: QUALITY, safety_identifier: TEXT }]),
  ),
  CreateImageRequest: {
    quality: { enum: [...QUALITY.enum, 'standard', 'hd'] },
    output_format: { enum: ['png', 'webp', 'jpeg', 'gif', 'svg'] },
    complexity: COMPLEXITY,
    frame_count: FRAMES,
    frame_duration_ms: DURATION,
    svg: SVG,
    safety_identifier: TEXT,
  },
  EditImageBodyJsonParam: {
    size: SIZE,
    quality: QUALITY,
    output_format: { enum: ['png', 'webp', 'jpeg', 'gif'] },
    complexity: COMPLEXITY,
    frame_count: FRAMES,
    frame_duration_ms: DURATION,
    safety_identifier: TEXT,
  },
  // The guides have it, the description never had.
  Error: { moderation_details: { type: 'object', required: ['moderation_stage', 'categories'] } },
}

/** Closes every object, so that a name the description does not know is an error too. */
function brought(schemas: Description['components']['schemas']): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      if (schema.properties === undefined) return [name, schema]
      const properties = { ...schema.properties, ...NEWER[name] }
      return [name, { ...schema, properties, additionalProperties: false }]
    }),
  )
}

describe.skipIf(services.openapi === undefined)('by the description of the API', () => {
  let description: Description
  let ajv: Ajv2020

  beforeAll(async () => {
    // A leftover of an older OpenAPI, which says nothing to this version.
    const withoutNullable = (key: unknown, value: unknown) =>
      key === 'nullable' ? undefined : value
    const text = await readFile(openapiFile(), 'utf8')
    description = parse(text, withoutNullable) as Description
    ajv = new Ajv2020({ strict: false, validateFormats: false, discriminator: false })
    ajv.addSchema({
      $id: 'api',
      components: { schemas: brought(description.components.schemas) },
    })
  })

  function problemsOf(value: unknown, schema: string): unknown {
    const validate = ajv.getSchema(`api#/components/schemas/${schema}`) as ValidateFunction
    return validate(value) ? undefined : validate.errors
  }

  const headers = { authorization: 'Bearer k' }
  const ask = async (emulator: Emulator, path: string, body: unknown) =>
    await fetch(`${emulator.baseUrl}/images/${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  async function askByForm(emulator: Emulator, path: string, values: Record<string, string>) {
    const body = new FormData()
    for (const [name, value] of Object.entries(values)) body.append(name, value)
    body.append('image', asFile(await plainPng(64, 64)))
    return fetch(`${emulator.baseUrl}/images/${path}`, { method: 'POST', headers, body })
  }

  describe('an answer of the emulator fits', () => {
    test.each([
      { model: 'gpt-image-1', quality: 'high', background: 'transparent' },
      { model: 'gpt-image-2', size: '816x816', n: 2, output_format: 'webp' },
      { model: 'gpt-image-2.5-flare', quality: 'xhigh', safety_identifier: 'abc' },
      { model: 'gpt-image-2.6-flare', size: '816x816', output_format: 'gif', frame_count: 2 },
      { model: 'gpt-image-2.6-flare', size: '816x816', output_format: 'svg' },
      { model: 'dall-e-2', size: '256x256', response_format: 'b64_json' },
      { model: 'dall-e-3', response_format: 'url' },
    ])('to %j', async (values) => {
      await using emulator = await startEmulator()

      const response = await ask(emulator, 'generations', { prompt: 'a red mug', ...values })

      expect(response.status).toBe(200)
      expect(problemsOf(await response.json(), 'ImagesResponse')).toBeUndefined()
    })

    test('to an edit in either form, and to a variation', async () => {
      await using emulator = await startEmulator()
      const url = `data:image/png;base64,${(await plainPng(64, 64)).toString('base64')}`
      const call = { model: 'gpt-image-2', prompt: 'x' }

      const answers = [
        await ask(emulator, 'edits', { ...call, images: [{ image_url: url }] }),
        await askByForm(emulator, 'edits', call),
        await askByForm(emulator, 'variations', { size: '256x256' }),
      ]

      for (const answer of answers) {
        expect(answer.status).toBe(200)
        expect(problemsOf(await answer.json(), 'ImagesResponse')).toBeUndefined()
      }
    })

    test.each<[number, unknown, FaultRule['fault'] | undefined]>([
      [400, { prompt: 'x', model: 'gpt-image-2', style: 'vivid' }, undefined],
      [400, { model: 'gpt-image-2', prompt: 'x', size: '1x1' }, undefined],
      [404, { prompt: 'x', model: 'none' }, undefined],
      [400, { prompt: 'x' }, { kind: 'moderation' }],
      [401, { prompt: 'x' }, { kind: 'bad_key' }],
      [403, { prompt: 'x' }, { kind: 'known_error', name: 'organization_not_verified' }],
      [429, { prompt: 'x' }, { kind: 'rate_limit' }],
      [429, { prompt: 'x' }, { kind: 'quota' }],
      [500, { prompt: 'x' }, { kind: 'server_error' }],
    ])('that is an error (%i, %j, %j)', async (status, body, fault) => {
      await using emulator = await startEmulator({ faults: fault === undefined ? [] : [{ fault }] })

      const response = await ask(emulator, 'generations', body)

      expect(response.status).toBe(status)
      expect(problemsOf(await response.json(), 'ErrorResponse')).toBeUndefined()
    })

    test.each([
      ['generations', 'ImageGenStreamEvent'],
      ['edits', 'ImageEditStreamEvent'],
    ] as const)('that is a stream of %s', async (path, schema) => {
      await using emulator = await startEmulator()
      const call = { model: 'gpt-image-2', prompt: 'x', safety_identifier: 'abc' }
      const asked = { ...call, stream: 'true', partial_images: '2', size: '816x816' }

      const response =
        path === 'edits'
          ? await askByForm(emulator, path, asked)
          : await ask(emulator, path, { ...asked, stream: true, partial_images: 2 })

      const events = [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(
        ([, json = '']) => JSON.parse(json) as unknown,
      )
      expect(events).toHaveLength(3)
      for (const event of events) expect(problemsOf(event, schema)).toBeUndefined()
    })
  })

  test.each([
    ['CreateImageRequest', 'generations', ['gpt-image-1', 'dall-e-3']],
    ['EditImageBodyJsonParam', 'edits', ['gpt-image-1']],
  ] as const)('every parameter of %s is known to the emulator', async (schema, path, models) => {
    await using emulator = await startEmulator()
    const names = Object.keys(description.components.schemas[schema]?.properties ?? {})

    for (const name of names) {
      // No parameter takes an object like this: known, it is refused for its type.
      const codes: unknown[] = []
      for (const model of models) {
        const answer = await ask(emulator, path, { model, [name]: { is: 'bad' } })
        codes.push(((await answer.json()) as { error: { code: unknown } }).error.code)
      }
      expect(
        codes.some((code) => code !== 'unknown_parameter'),
        name,
      ).toBe(true)
    }
    expect(names.length).toBeGreaterThan(10)
  })

  describe("renderq's own request fits", () => {
    const sent = (call: ImagesCall): unknown => {
      const { contentType, body } = wireRequestOf(call)
      expect(contentType).toBe('application/json')
      return JSON.parse(Buffer.concat([...body]).toString())
    }
    const prompt = 'a red mug'

    test.each<ImagesCall['request']>([
      { model: 'gpt-image-2', prompt, n: 1 },
      {
        model: 'gpt-image-2',
        prompt,
        n: 2,
        size: '1536x1024',
        quality: 'medium',
        background: 'opaque',
        output_format: 'jpeg',
        output_compression: 80,
        moderation: 'low',
        user: 'u',
        stream: true,
        partial_images: 2,
      },
      { model: 'dall-e-3', prompt, n: 1, style: 'vivid', response_format: 'url', quality: 'hd' },
      { model: 'gpt-image-2.6-flare', prompt, n: 1, output_format: 'gif', frame_count: 4 },
      { model: 'gpt-image-2.6-flare', prompt, n: 1, output_format: 'svg', svg: { model: 'a' } },
      { model: 'gpt-image-2.6-flare', prompt, n: 1, complexity: 'low', safety_identifier: 'abc' },
    ])('as a generation: %j', (request) => {
      const body = sent({ operation: 'generate', request, images: [] })

      expect(problemsOf(body, 'CreateImageRequest')).toBeUndefined()
    })

    test('as an edit that names its pictures, and carries others', async () => {
      const picture: UploadPicture = {
        bytes: new Uint8Array(await plainPng(8, 8, true)),
        mediaType: 'image/png',
        filename: 'a.png',
      }
      const request = { model: 'gpt-image-2', prompt, n: 1, size: '816x816', quality: 'low' }
      const images = [{ file_id: 'file-1' }, { image_url: 'https://example.com/a.png' }, picture]

      const named = sent({ operation: 'edit', request, images, mask: picture })
      const moderated = sent({
        operation: 'edit',
        request: { ...request, moderation: 'low', stream: true, partial_images: 1 },
        images: [picture],
      })

      expect(problemsOf(named, 'EditImageBodyJsonParam')).toBeUndefined()
      expect(problemsOf(moderated, 'EditImageBodyJsonParam')).toBeUndefined()
    })
  })

  test.each<[string, unknown]>([
    ['ImagesResponse', { data: [] }],
    ['ImagesResponse', { created: 1, surprise: true }],
    ['ImagesResponse', { created: 1, size: 'large' }],
    ['ImagesResponse', { created: 1, data: [{ b64: 'x' }] }],
    ['ErrorResponse', { error: { message: 'x' } }],
    ['ImageGenStreamEvent', { type: 'image_generation.completed', b64_json: 'x' }],
    ['CreateImageRequest', { prompt: 'x', seed: 1 }],
    ['EditImageBodyJsonParam', { prompt: 'x', images: [{ file_id: 'a', image_url: 'b' }] }],
  ])('%s does not fit everything: %j', (schema, value) => {
    expect(problemsOf(value, schema)).toBeDefined()
  })
})
