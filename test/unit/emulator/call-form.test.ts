import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/emulator/api-error.ts'
import { readCallForm, type SentPicture, type Upload } from '../../../src/emulator/call-form.ts'
import type { Operation } from '../../../src/emulator/models.ts'

async function readForm(entries: [string, string | File][], operation: Operation = 'edit') {
  const data = new FormData()
  for (const [name, value] of entries) data.append(name, value)
  const encoded = new Response(data)
  const body = Buffer.from(await encoded.arrayBuffer())
  return readCallForm(body, encoded.headers.get('content-type') ?? '', operation)
}

const readJson = (value: unknown, operation: Operation = 'edit') =>
  readCallForm(Buffer.from(JSON.stringify(value)), 'application/json; charset=utf-8', operation)

async function refusalOf(call: Promise<unknown>) {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof ApiError)) throw new Error(`not refused by the API: ${String(error)}`)
  return error.body.error
}

function uploaded(sent: SentPicture): Upload {
  if ('bytes' in sent) return sent
  throw new Error(`${sent.param} was only named`)
}

const png = (text: string, type = 'image/png') => new File([text], `${text}.png`, { type })

describe('a multipart form', () => {
  test('keeps the order, the bytes and the media types of its pictures', async () => {
    const form = await readForm([
      ['image[]', png('b')],
      ['prompt', 'grün'],
      ['image[]', png('a', 'image/webp')],
      ['mask', png('m')],
      ['image[]', png('c')],
    ])

    expect(form.values).toEqual(new Map([['prompt', 'grün']]))
    expect(
      form.images
        .map(uploaded)
        .map(({ param, bytes, mediaType }) => [param, String(bytes), mediaType]),
    ).toEqual([
      ['image[0]', 'b', 'image/png'],
      ['image[1]', 'a', 'image/webp'],
      ['image[2]', 'c', 'image/png'],
    ])
    expect(form.mask && String(uploaded(form.mask).bytes)).toBe('m')
    expect(form.markup).toBeUndefined()
  })

  test('carries a markup beside its picture', async () => {
    const form = await readForm([
      ['image', png('a')],
      ['markup', png('drawn')],
    ])

    expect(form.markup && uploaded(form.markup)).toMatchObject({ param: 'markup' })
  })

  test('carries one picture under either name', async () => {
    for (const name of ['image', 'image[]']) {
      const form = await readForm([[name, png('a')]])

      expect(form.images).toMatchObject([{ param: 'image' }])
    }
  })

  test.each<[string, [string, string | File][]]>([
    [
      'image',
      [
        ['image', png('a')],
        ['image', png('b')],
      ],
    ],
    [
      'prompt',
      [
        ['prompt', 'a'],
        ['prompt', 'b'],
      ],
    ],
    [
      'image',
      [
        ['image', png('a')],
        ['image[]', png('b')],
      ],
    ],
    [
      'mask',
      [
        ['mask', png('a')],
        ['mask', png('b')],
      ],
    ],
  ])('with %s twice is refused', async (param, entries) => {
    expect(await refusalOf(readForm(entries))).toMatchObject({ code: 'duplicate_parameter', param })
  })

  test('with a file under another name is refused', async () => {
    const refusal = await refusalOf(readForm([['image[0]', png('a')]]))

    expect(refusal).toMatchObject({ code: 'unknown_parameter', param: 'image[0]' })
  })

  test('that is cut off is refused', async () => {
    const body = Buffer.from('--boundary0123456789\r\nContent-Disposition: form-data; name="a"')

    const call = readCallForm(body, 'multipart/form-data; boundary=boundary0123456789', 'edit')

    expect((await refusalOf(call)).message).toMatch(/could not parse the multipart form/)
  })
})

describe('a JSON edit', () => {
  test('names its pictures, in their order', async () => {
    const form = await readJson({
      prompt: 'x',
      size: null,
      images: [{ image_url: 'data:image/png;base64,aaaa' }, { file_id: 'file-1' }],
      mask: { image_url: 'https://example.com/mask.png' },
    })

    expect(form.values).toEqual(new Map([['prompt', 'x']]))
    expect(form.images).toEqual([
      { param: 'images[0]', imageUrl: 'data:image/png;base64,aaaa' },
      { param: 'images[1]', fileId: 'file-1' },
    ])
    expect(form.mask).toEqual({ param: 'mask', imageUrl: 'https://example.com/mask.png' })
  })

  test.each<[unknown, string]>([
    [[{ image_url: 'x', file_id: 'file-1' }], 'invalid_type'],
    [[{ image_url: 'x', detail: 'high' }], 'invalid_type'],
    [[{}], 'invalid_type'],
    [[null], 'invalid_type'],
    [['text'], 'invalid_type'],
    ['text', 'invalid_type'],
    [Array.from({ length: 17 }, () => ({ image_url: 'x' })), 'array_above_max_length'],
  ])('with images %j is refused', async (images, code) => {
    expect(await refusalOf(readJson({ images }))).toMatchObject({ code })
  })
})

test.each<[Operation, string]>([
  ['generate', 'multipart/form-data; boundary=x'],
  ['generate', 'text/plain'],
  ['generate', ''],
  ['variation', 'application/json'],
])('%s does not take a body of type "%s"', async (operation, type) => {
  const refusal = await refusalOf(readCallForm(Buffer.from('{}'), type, operation))

  expect(refusal).toMatchObject({ code: 'unsupported_content_type' })
})

test.each(['', '{', '[]', 'null', '"text"'])('a JSON body of %j is refused', async (text) => {
  const refusal = await refusalOf(readCallForm(Buffer.from(text), 'application/json', 'generate'))

  expect(refusal.message).toMatch(/could not parse the JSON body/)
})

test('no JSON value breaks the reading of an edit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.jsonValue(), async (images, mask) => {
      const outcome = await readJson({ images, mask }).catch((error: unknown) => error)

      expect(outcome instanceof Error ? outcome : undefined).toSatisfy(
        (error) => error === undefined || error instanceof ApiError,
      )
    }),
  )
})
