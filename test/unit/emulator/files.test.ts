import { describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../../../src/emulator/server.ts'
import { UploadedFiles } from '../../../src/emulator/uploaded-files.ts'
import { asFile, plainPng } from './requests.ts'

const headers = { authorization: 'Bearer k' }

async function upload(emulator: Emulator, fields: Record<string, string | Blob>, name = 'a.png') {
  const body = new FormData()
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === 'string') body.append(field, value)
    else body.append(field, value, name)
  }
  const response = await fetch(`${emulator.baseUrl}/files`, { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function call(emulator: Emulator, path: string, method = 'GET') {
  const response = await fetch(`${emulator.baseUrl}/files${path}`, { method, headers })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('an uploaded file', () => {
  test('can be looked at, listed, fetched and deleted', async () => {
    await using emulator = await startEmulator()
    const png = await plainPng(8, 8)

    const { body: file } = await upload(emulator, { file: asFile(png), purpose: 'vision' })

    const path = `/${String(file['id'])}`
    expect(file).toMatchObject({
      object: 'file',
      bytes: png.length,
      filename: 'a.png',
      purpose: 'vision',
      status: 'processed',
    })
    expect((await call(emulator, path)).body).toEqual(file)
    expect((await call(emulator, '')).body).toMatchObject({ data: [file], has_more: false })
    const content = await fetch(`${emulator.baseUrl}/files${path}/content`, { headers })
    expect(Buffer.from(await content.arrayBuffer()).equals(png)).toBe(true)
    expect((await call(emulator, path, 'DELETE')).body).toMatchObject({ deleted: true })
    expect(await call(emulator, path)).toMatchObject({
      status: 404,
      body: { error: { message: expect.stringContaining('No such File object') } },
    })
  })

  test.each([
    [{ purpose: 'vision' }, 'file'],
    [{ file: new Blob(['x']) }, 'purpose'],
    [{ file: new Blob(['x']), purpose: 'fun' }, 'purpose'],
    [
      { file: new Blob(['x']), purpose: 'vision', 'expires_after[seconds]': '60' },
      'expires_after[seconds]',
    ],
  ])('with %j is refused', async (fields, param) => {
    await using emulator = await startEmulator()

    expect(await upload(emulator, fields)).toMatchObject({
      status: 400,
      body: { error: { param } },
    })
  })

  test('is named in a JSON edit, and judged by its name where it has no type', async () => {
    await using emulator = await startEmulator()
    const file = asFile(await plainPng(64, 64), 'application/octet-stream')
    const { body: picture } = await upload(emulator, { file, purpose: 'vision' }, 'photo.PNG')
    const { body: text } = await upload(emulator, { file, purpose: 'vision' }, 'photo.txt')

    const edit = async (fileId: unknown) => {
      const response = await fetch(`${emulator.baseUrl}/images/edits`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-image-2', prompt: 'x', images: [{ file_id: fileId }] }),
      })
      return { status: response.status, body: await response.json() }
    }

    expect((await edit(picture['id'])).status).toBe(200)
    expect(await edit(text['id'])).toMatchObject({
      status: 400,
      body: { error: { code: 'unsupported_file_mimetype' } },
    })
    expect(await edit('file-nonsense')).toMatchObject({
      status: 400,
      body: { error: { code: 'image_file_not_found', param: 'images[0]' } },
    })
  })
})

test('files are listed newest first, in pages, and by purpose', async () => {
  await using emulator = await startEmulator()
  const ids: unknown[] = []
  for (const purpose of ['vision', 'batch', 'vision']) {
    ids.push((await upload(emulator, { file: new Blob(['x']), purpose })).body['id'])
  }
  const listed = async (query: string) => {
    const { body } = await call(emulator, query)
    const { data, has_more } = body as { data: { id: string }[]; has_more: boolean }
    return { ids: data.map(({ id }) => id), has_more }
  }

  expect(await listed('')).toEqual({ ids: ids.toReversed(), has_more: false })
  expect(await listed('?order=asc&limit=2')).toEqual({ ids: ids.slice(0, 2), has_more: true })
  expect(await listed(`?order=asc&after=${String(ids[1])}`)).toEqual({
    ids: [ids[2]],
    has_more: false,
  })
  expect(await listed('?purpose=batch')).toEqual({ ids: [ids[1]], has_more: false })
})

test('no more is kept than there is room for, and what was deleted makes room', () => {
  const files = new UploadedFiles()
  const large = {
    filename: 'a.png',
    purpose: 'vision' as const,
    mediaType: 'image/png',
    // Never touched, so it costs no memory.
    bytes: Buffer.alloc(300_000_000),
    createdAtMs: Date.now(),
    expiresAtMs: undefined,
  }
  const { id } = files.add(large)

  expect(() => files.add(large)).toThrow(/delete some first/)
  expect(files.delete(id)).toBe(true)
  expect(() => files.add(large)).not.toThrow()
})
