/** Where calls go and what they carry, seen from real sockets where an address can be one. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../../src/config.ts'
import { ConfigError } from '../../../src/errors.ts'
import { openImagesApi } from '../../../src/images-api/client.ts'
import { endpointOf, type EndpointConfig } from '../../../src/images-api/endpoint.ts'
import { azureFormOf, serverKindOf } from '../../../src/images-api/server-kind.ts'

const closers: (() => PromiseLike<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

interface Received {
  url: string | undefined
  headers: IncomingHttpHeaders
}

const ANSWER = JSON.stringify({ data: [{ b64_json: 'AAAA' }] })

/** A server that takes every call, or redirects it, and remembers what it saw. */
async function serve(redirect?: { status: number; location: string }) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    received.push({ url: request.url, headers: request.headers })
    request.resume().on('end', () => {
      response.writeHead(redirect?.status ?? 200, {
        'content-type': 'application/json',
        ...(redirect && { location: redirect.location }),
      })
      response.end(redirect === undefined ? ANSWER : '')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received }
}

/** Nobody may ever connect here. */
async function canary() {
  let connections = 0
  const server = createTcpServer((socket) => {
    connections++
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, connections: () => connections }
}

const KEY = 'sk-test-0123456789abcdef'
const ENTRA_TOKEN = 'eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.c2lnbmF0dXJl-_'

const configOf = (config: Partial<EndpointConfig> & { baseUrl: string }): EndpointConfig => ({
  apiKey: new Secret(KEY),
  ...config,
})

/** Makes one call and gives the pictures' count. */
async function call(config: EndpointConfig): Promise<number> {
  await using api = openImagesApi({ ...config, requestTimeoutMs: 20_000, imageBytesMax: 1_000 })
  const parts = api.send(
    {
      operation: 'generate',
      request: { model: 'gpt-image-2', prompt: 'a mug', n: 1 },
      images: [],
    },
    {
      signal: new AbortController().signal,
      openPicture: async () => ({ write: async () => {} }),
    },
  )
  let pictures = 0
  for await (const part of parts) if (part.kind === 'picture') pictures++
  return pictures
}

describe('whose address it is', () => {
  test.each([
    ['https://api.openai.com/v1', 'openai', undefined],
    ['https://eu.api.openai.com/v1', 'openai', undefined],
    ['https://shop.openai.azure.com/openai/v1', 'azure', 'v1'],
    ['https://shop.openai.azure.com/openai/v1/?api-version=preview', 'azure', 'v1'],
    ['https://shop.openai.azure.com/openai/deployments/images', 'azure', 'deployment'],
    ['https://shop.cognitiveservices.azure.com/openai/deployments/images/', 'azure', 'deployment'],
    ['https://shop.services.ai.azure.com/openai/v1', 'azure', 'v1'],
    ['https://shop.openai.azure.us/openai/v1', 'azure', 'v1'],
    ['https://shop.openai.azure.com', 'azure', undefined],
    ['https://gateway.example/openai/deployments/images', 'azure', 'deployment'],
    ['https://gateway.example/team/openai/deployments/images', 'azure', 'deployment'],
    ['http://127.0.0.1:4010/openai/v1', 'azure', 'v1'],
    ['http://127.0.0.1:4010/v1', 'other', undefined],
    ['https://server.example/v1/openai', 'other', undefined],
    ['https://api.openai.com.evil.example/v1', 'other', undefined],
    ['https://evil-openai.azure.com.example/v1', 'other', undefined],
    ['https://server.example/openai/deployments/images/chat', 'other', undefined],
  ])('%s is %s', (baseUrl, kind, form) => {
    expect(serverKindOf(baseUrl)).toBe(kind)
    expect(azureFormOf(new URL(baseUrl))).toBe(form)
  })
})

describe('a call', () => {
  test('to a compatible server carries a bearer, organization and project', async () => {
    const { origin, received } = await serve()

    await call(configOf({ baseUrl: `${origin}/v1`, orgId: 'org-1', projectId: 'proj-1' }))

    expect(received[0]?.url).toBe('/v1/images/generations')
    expect(received[0]?.headers).toMatchObject({
      authorization: `Bearer ${KEY}`,
      'openai-organization': 'org-1',
      'openai-project': 'proj-1',
    })
    expect(received[0]?.headers).not.toHaveProperty('api-key')
  })

  test('without a key carries no credentials at all', async () => {
    const { origin, received } = await serve()

    for (const path of ['/v1', '/openai/v1', '/openai/deployments/images?api-version=x']) {
      await call(configOf({ baseUrl: origin + path, apiKey: undefined }))
    }

    expect(received).toHaveLength(3)
    for (const { headers } of received) {
      expect(headers).not.toHaveProperty('authorization')
      expect(headers).not.toHaveProperty('api-key')
    }
  })

  test.each([
    ['the version of its address', '?api-version=2025-04-01-preview', undefined],
    ['the version of the settings', '', '2025-04-01-preview'],
    ['the version of its address rather than the settings', '?api-version=2025-04-01-preview', 'x'],
  ])('to an Azure deployment carries its key as api-key and %s', async (_, query, apiVersion) => {
    const { origin, received } = await serve()
    const baseUrl = `${origin}/openai/deployments/my-images${query}`

    await call(configOf({ baseUrl, apiVersion, orgId: 'org-1', projectId: 'proj-1' }))

    expect(received[0]?.url).toBe(
      '/openai/deployments/my-images/images/generations?api-version=2025-04-01-preview',
    )
    expect(received[0]?.headers).toMatchObject({ 'api-key': KEY })
    for (const name of ['authorization', 'openai-organization', 'openai-project']) {
      expect(received[0]?.headers).not.toHaveProperty(name)
    }
  })

  test('to an Azure deployment keeps what else its address asks for', async () => {
    const { origin, received } = await serve()
    const baseUrl = `${origin}/openai/deployments/d?team=a`

    await call(configOf({ baseUrl, apiVersion: 'preview' }))

    expect(received[0]?.url).toBe(
      '/openai/deployments/d/images/generations?team=a&api-version=preview',
    )
  })

  test.each([
    ['/openai/v1', '/openai/v1/images/generations'],
    ['/openai/v1?api-version=preview', '/openai/v1/images/generations?api-version=preview'],
  ])('to %s gets no version of the settings', async (path, expected) => {
    const { origin, received } = await serve()

    await call(configOf({ baseUrl: origin + path, apiVersion: '2025-04-01-preview' }))

    expect(received[0]?.url).toBe(expected)
    // The host is not Azure's: another kind of server may stand there, which knows a bearer alone.
    expect(received[0]?.headers).toMatchObject({ 'api-key': KEY, authorization: `Bearer ${KEY}` })
  })

  test.each(['/openai/v1', '/openai/deployments/images'])(
    'to %s carries an Entra token as a bearer',
    async (path) => {
      const { origin, received } = await serve()

      await call(
        configOf({
          baseUrl: origin + path,
          apiVersion: 'preview',
          apiKey: new Secret(ENTRA_TOKEN),
        }),
      )

      expect(received[0]?.headers).toMatchObject({ authorization: `Bearer ${ENTRA_TOKEN}` })
      expect(received[0]?.headers).not.toHaveProperty('api-key')
    },
  )

  test.each([
    'https://shop.openai.azure.com/openai/v1',
    'https://shop.openai.azure.com/openai/deployments/images?api-version=preview',
  ])('to %s carries the key as api-key alone', (baseUrl) => {
    const { headers } = endpointOf(configOf({ baseUrl }))

    expect(headers).toMatchObject({ 'api-key': KEY })
    expect(headers).not.toHaveProperty('authorization')
  })
})

describe('an address that can not work is refused at the start', () => {
  test.each([
    [
      'an Azure deployment without a version',
      'https://shop.openai.azure.com/openai/deployments/images',
      'OPENAI_BASE_URL names an Azure deployment, which needs an API version: set OPENAI_API_VERSION, for example to 2025-04-01-preview, or end the address in ?api-version=2025-04-01-preview',
    ],
    [
      'an Azure resource alone',
      'https://shop.openai.azure.com/',
      'OPENAI_BASE_URL is an Azure address without an API: set it to https://shop.openai.azure.com/openai/v1, or to https://shop.openai.azure.com/openai/deployments/<deployment> with OPENAI_API_VERSION',
    ],
    [
      'the address of a call',
      'https://api.openai.com/v1/images/generations/',
      'OPENAI_BASE_URL is the address of a call: leave /images/generations/ away, as in https://api.openai.com/v1',
    ],
    [
      'the address of a call to Azure',
      'https://shop.openai.azure.com/openai/deployments/d/images/edits?api-version=2025-04-01-preview',
      'OPENAI_BASE_URL is the address of a call: leave /images/edits away, as in https://shop.openai.azure.com/openai/deployments/d?api-version=2025-04-01-preview',
    ],
    [
      'the address of a call with a secret',
      'https://server.example/v1/images/generations?key=secret',
      'OPENAI_BASE_URL is the address of a call: leave /images/generations away, as in https://server.example/v1',
    ],
  ])('%s', (_, baseUrl, message) => {
    expect(() => endpointOf(configOf({ baseUrl }))).toThrow(new ConfigError(message))
  })
})

describe('no redirect is followed', () => {
  test.each([301, 302, 303, 307, 308])('%i', async (status) => {
    const elsewhere = await canary()
    const target = await serve({ status, location: `${elsewhere.origin}/v1/images/generations` })

    for (const path of ['/v1', '/openai/deployments/d?api-version=preview']) {
      const outcome = call(configOf({ baseUrl: target.origin + path }))

      await expect(outcome).rejects.toMatchObject({ code: 'request_rejected', status })
    }
    expect(target.received).toHaveLength(2)
    expect(elsewhere.connections()).toBe(0)
  })

  test('not even one that stays on its server', async () => {
    const target = await serve({ status: 307, location: '/v1/images/generations' })

    await expect(call(configOf({ baseUrl: `${target.origin}/old` }))).rejects.toMatchObject({
      code: 'request_rejected',
    })
    expect(target.received).toHaveLength(1)
  })
})
