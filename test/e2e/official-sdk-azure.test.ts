/** Azure's two forms, as the official SDK speaks them. */
import OpenAI, { AuthenticationError, AzureOpenAI, BadRequestError, NotFoundError } from 'openai'
import { describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../../src/emulator/server.ts'
import { decode, errorOf, photo, withFault } from './sdk-pictures.ts'

const originOf = ({ baseUrl }: Emulator) => new URL(baseUrl).origin

/** The form with deployments, which the SDK's own Azure client speaks. */
const byDeployment = (emulator: Emulator) =>
  new AzureOpenAI({
    endpoint: originOf(emulator),
    apiKey: 'azure-key',
    apiVersion: '2025-04-01-preview',
    maxRetries: 0,
  })

/** The newer form, for which the plain client is meant. */
const byModel = (emulator: Emulator) =>
  new OpenAI({
    baseURL: `${originOf(emulator)}/openai/v1`,
    apiKey: 'azure-key',
    defaultQuery: { 'api-version': 'preview' },
    maxRetries: 0,
  })

const CALL = { model: 'gpt-image-2', prompt: 'a red mug', size: '816x816', quality: 'low' } as const

describe.each([
  ['with deployments', byDeployment],
  ['with models', byModel],
])('the form %s', (_, connect) => {
  test('generates', async () => {
    await using emulator = await startEmulator({ apiKey: 'azure-key' })

    const answer = await connect(emulator).images.generate({ ...CALL, output_format: 'jpeg' })

    expect(await decode(answer.data?.[0]?.b64_json)).toMatchObject({ format: 'jpeg', width: 816 })
  })

  test('edits', async () => {
    await using emulator = await startEmulator()
    const image = [await photo(96, 64), await photo(32, 32)]

    const answer = await connect(emulator).images.edit({ ...CALL, image })

    expect(await decode(answer.data?.[0]?.b64_json)).toMatchObject({ format: 'png', width: 816 })
    expect(emulator.stats().byOperation.edit).toBe(1)
  })

  test('streams', async () => {
    await using emulator = await startEmulator()

    const types: string[] = []
    const call = { ...CALL, stream: true, partial_images: 1 } as const
    for await (const { type } of await connect(emulator).images.generate(call)) types.push(type)

    expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed'])
  })

  test('refuses a wrong key', async () => {
    await using emulator = await startEmulator({ apiKey: 'another' })

    const error = await errorOf(connect(emulator).images.generate(CALL), AuthenticationError)

    expect(error).toMatchObject({ status: 401, code: '401' })
  })

  test('knows no other deployments than those it has', async () => {
    await using emulator = await startEmulator()

    const error = await errorOf(
      connect(emulator).images.generate({ ...CALL, model: 'mine' }),
      NotFoundError,
    )

    expect(error.code).toBe('DeploymentNotFound')
  })

  test('says contentFilter where others say moderation_blocked', async () => {
    await using emulator = await withFault({ kind: 'moderation' })

    const error = await errorOf(connect(emulator).images.generate(CALL), BadRequestError)

    expect(error.code).toBe('contentFilter')
  })
})
