/** Azure's two forms of the API: other paths and keys, and some answers in its own words. */
import { describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { asFile, plainPng } from './requests.ts'

const CLASSIC = '/openai/deployments/gpt-image-2/images'
const VERSION = '?api-version=2025-04-01-preview'
const CALL = { prompt: 'a red mug', size: '816x816', quality: 'low' }

async function post(
  emulator: Emulator,
  path: string,
  {
    body = CALL,
    headers = { 'api-key': 'k' },
  }: { body?: object; headers?: Record<string, string> } = {},
) {
  const isForm = body instanceof FormData
  const response = await fetch(new URL(path, emulator.baseUrl), {
    method: 'POST',
    headers: { ...(isForm ? {} : { 'content-type': 'application/json' }), ...headers },
    body: isForm ? body : JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

async function form(values: Record<string, string>) {
  const body = new FormData()
  for (const [name, value] of Object.entries(values)) body.append(name, value)
  body.append('image[]', asFile(await plainPng(64, 64)))
  return body
}

test('the deployment in the path decides, whatever the body says', async () => {
  await using emulator = await startEmulator()
  const body = { ...CALL, model: 'dall-e-2' }

  const { status, headers } = await post(emulator, `${CLASSIC}/generations${VERSION}`, { body })

  expect(status).toBe(200)
  expect(headers.get('apim-request-id')).toMatch(/^req_/)
  expect(emulator.paidCalls()[0]).toMatchObject({ model: 'gpt-image-2', operation: 'generate' })
})

test('the v1 form takes the model from the body and needs no version', async () => {
  await using emulator = await startEmulator()
  const body = { ...CALL, model: 'gpt-image-1.5', size: '1024x1024' }

  const { status } = await post(emulator, '/openai/v1/images/generations', { body })

  expect(status).toBe(200)
  expect(emulator.paidCalls()[0]?.model).toBe('gpt-image-1.5')
})

test.each([`${CLASSIC}/edits${VERSION}`, '/openai/v1/images/edits?api-version=preview'])(
  '%s edits what was uploaded, and nothing that was only named',
  async (path) => {
    await using emulator = await startEmulator()
    const images = [{ image_url: 'data:image/png;base64,aaaa' }]

    const uploaded = await post(emulator, path, {
      body: await form({ ...CALL, model: 'gpt-image-2' }),
    })
    const named = await post(emulator, path, { body: { ...CALL, model: 'gpt-image-2', images } })

    expect([uploaded.status, named.status]).toEqual([200, 400])
  },
)

test('quality is high unless said otherwise, and webp is not made', async () => {
  await using emulator = await startEmulator()
  const path = `${CLASSIC}/generations${VERSION}`

  const { body } = await post(emulator, path, { body: { prompt: 'x', size: '816x816' } })
  const webp = await post(emulator, path, { body: { ...CALL, output_format: 'webp' } })

  expect(body['quality']).toBe('high')
  expect(webp).toMatchObject({ status: 400, body: { error: { param: 'output_format' } } })
})

describe('in its own words', () => {
  test('a wrong key is refused; a right one may come as a bearer token', async () => {
    await using emulator = await startEmulator({ apiKey: 'right' })
    const path = `${CLASSIC}/generations${VERSION}`

    const none = await post(emulator, path, { headers: {} })
    const wrong = await post(emulator, path)
    const bearer = await post(emulator, path, { headers: { authorization: 'Bearer right' } })

    for (const { status, body } of [none, wrong]) {
      expect(status).toBe(401)
      expect(body).toEqual({
        error: { code: '401', message: expect.stringContaining('Access denied') },
      })
    }
    expect(bearer.status).toBe(200)
  })

  test.each([
    `${CLASSIC}/generations`,
    `${CLASSIC}/variations${VERSION}`,
    `/openai/images/generations${VERSION}`,
  ])('%s is not found', async (path) => {
    await using emulator = await startEmulator()

    const { status, body } = await post(emulator, path)

    expect(status).toBe(404)
    expect(body).toEqual({ error: { code: '404', message: 'Resource not found' } })
  })

  test('a deployment that does not exist is told apart', async () => {
    await using emulator = await startEmulator()

    const answer = await post(emulator, `/openai/deployments/mine/images/generations${VERSION}`)

    expect(answer).toMatchObject({ status: 404, body: { error: { code: 'DeploymentNotFound' } } })
  })

  test('a moderation block is a content filter, other errors are those of the model', async () => {
    await using emulator = await startEmulator({
      faults: [
        { times: 1, fault: { kind: 'moderation' } },
        { times: 1, fault: { kind: 'rate_limit' } },
      ],
    })
    const path = `${CLASSIC}/generations${VERSION}`

    const [filtered, limited] = [await post(emulator, path), await post(emulator, path)]

    expect(filtered).toMatchObject({ status: 400, body: { error: { code: 'contentFilter' } } })
    expect(limited).toMatchObject({ status: 429, body: { error: { type: 'input-images' } } })
  })
})
