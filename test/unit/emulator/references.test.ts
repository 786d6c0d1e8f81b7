import { createServer, type RequestListener } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/emulator/api-error.ts'
import { referenceOpener } from '../../../src/emulator/references.ts'
import { UploadedFiles } from '../../../src/emulator/uploaded-files.ts'

const param = 'images[0]'
const offline = referenceOpener({ files: new UploadedFiles(), fetchesUrls: false })
const online = referenceOpener({ files: new UploadedFiles(), fetchesUrls: true })

async function refusalOf(call: Promise<unknown>) {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof ApiError)) throw new Error(`not refused by the API: ${String(error)}`)
  return { status: error.status, ...error.body.error }
}

test('a data URL gives its bytes and its media type', async () => {
  const imageUrl = `data:image/WEBP;base64,${Buffer.from('bytes').toString('base64')}`

  const upload = await offline({ param, imageUrl })

  expect({ ...upload, bytes: String(upload.bytes) }).toEqual({
    param,
    bytes: 'bytes',
    mediaType: 'image/webp',
  })
})

test.each([
  ['data:image/png,plain', 'invalid_image_url'],
  ['ftp://example.com/a.png', 'invalid_image_url'],
  ['', 'invalid_image_url'],
  ['data:image/png;base64,a*==', 'invalid_base64_image'],
  ['data:image/png;base64,abc', 'invalid_base64_image'],
  [`data:image/png;base64,${'a'.repeat(20_971_520)}`, 'string_above_max_length'],
  ['https://example.com/a.png', 'failed_to_download_image'],
])('%.40s is refused', async (imageUrl, code) => {
  expect(await refusalOf(offline({ param, imageUrl }))).toMatchObject({ status: 400, code, param })
})

test('a file is found by its id, and another id is not', async () => {
  const files = new UploadedFiles()
  const file = { filename: 'a.png', purpose: 'vision' as const, mediaType: 'image/png' }
  const bytes = Buffer.from('bytes')
  const times = { createdAtMs: Date.now(), expiresAtMs: undefined }
  const { id } = files.add({ ...file, bytes, ...times })
  const expired = files.add({ ...file, bytes, createdAtMs: 0, expiresAtMs: 1 })
  const open = referenceOpener({ files, fetchesUrls: false })

  expect(await open({ param, fileId: id })).toEqual({ param, bytes, mediaType: 'image/png' })
  for (const fileId of [expired.id, 'file-nonsense']) {
    expect(await refusalOf(open({ param, fileId }))).toMatchObject({ code: 'image_file_not_found' })
  }
})

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/photo.png`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('a web address, when it may be fetched', () => {
  test('gives what is there, under the media type its server says', async () => {
    await using server = await serve((_, response) => {
      response.setHeader('content-type', 'image/png; charset=binary')
      response.end('bytes')
    })

    const upload = await online({ param, imageUrl: server.url })

    expect(String(upload.bytes)).toBe('bytes')
    expect(upload.mediaType).toBe('image/png')
  })

  test.each<[string, RequestListener, RegExp]>([
    ['is not there', (_, response) => response.writeHead(404).end(), /answered 404/],
    [
      'leads elsewhere',
      (_, response) => response.writeHead(302, { location: '/other.png' }).end(),
      /fetch failed/,
    ],
    [
      'is larger than any picture may be',
      (_, response) => {
        const chunk = Buffer.alloc(1_000_000)
        const more = () => {
          while (!response.destroyed && response.write(chunk));
        }
        response.on('drain', more)
        more()
      },
      /more than 50000000 bytes/,
    ],
  ])('is refused when it %s', async (_, listener, message) => {
    await using server = await serve(listener)

    const refusal = await refusalOf(online({ param, imageUrl: server.url }))

    expect(refusal).toMatchObject({ code: 'failed_to_download_image' })
    expect(refusal.message).toMatch(message)
  })
})
