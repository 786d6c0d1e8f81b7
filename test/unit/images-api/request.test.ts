import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ImagesCall, UploadPicture } from '../../../src/images-api/contract.ts'
import { wireRequestOf, type WireRequest } from '../../../src/images-api/request.ts'

const picture = (name: string, bytes = Buffer.from(name)): UploadPicture => ({
  bytes: new Uint8Array(bytes),
  mediaType: 'image/png',
  filename: `${name}.png`,
})

const edit = (call: Partial<ImagesCall> = {}): ImagesCall => ({
  operation: 'edit',
  request: { model: 'gpt-image-2', prompt: 'a mug', n: 1, quality: 'low' },
  images: [picture('one')],
  ...call,
})

/** As a server reads it. */
const formOf = ({ body, contentType }: WireRequest): Promise<FormData> =>
  new Response(Buffer.concat(body), { headers: { 'content-type': contentType } }).formData()

describe('a generation', () => {
  test('is JSON of exactly the parameters of the row', () => {
    const request = {
      model: 'gpt-image-2',
      prompt: 'ein Becher „é"',
      n: 2,
      quality: 'low',
      size: undefined,
    }

    const wire = wireRequestOf({ operation: 'generate', request, images: [] })

    expect(wire.path).toBe('/images/generations')
    expect(wire.contentType).toBe('application/json')
    expect(JSON.parse(Buffer.concat(wire.body).toString())).toEqual({
      model: 'gpt-image-2',
      prompt: 'ein Becher „é"',
      n: 2,
      quality: 'low',
    })
    expect(wire.byteCount).toBe(Buffer.concat(wire.body).length)
  })
})

describe('an edit', () => {
  test('of one picture sends it as image, with its true media type and name', async () => {
    const wire = wireRequestOf(edit({ mask: picture('mask') }))

    const form = await formOf(wire)
    expect(wire.path).toBe('/images/edits')
    expect([...form.keys()]).toEqual(['model', 'prompt', 'n', 'quality', 'image', 'mask'])
    expect(form.get('n')).toBe('1')
    const image = form.get('image') as File
    expect([image.name, image.type, await image.text()]).toEqual(['one.png', 'image/png', 'one'])
    expect(await (form.get('mask') as File).text()).toBe('mask')
    expect(wire.byteCount).toBe(Buffer.concat(wire.body).length)
  })

  test('of several pictures sends image[] in the order of the row', async () => {
    const images = ['c', 'a', 'b'].map((name) => picture(name))

    const form = await formOf(wireRequestOf(edit({ images })))

    expect(form.getAll('image[]').map((file) => (file as File).name)).toEqual([
      'c.png',
      'a.png',
      'b.png',
    ])
    expect(form.has('image')).toBe(false)
  })

  test('keeps any prompt and any bytes as they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.uint8Array(), async (prompt, bytes) => {
        const request = { model: 'm', n: 1, prompt: `two\nlines\r\n${prompt}` }
        const form = await formOf(
          wireRequestOf(edit({ request, images: [picture('x', Buffer.from(bytes))] })),
        )
        expect(form.get('prompt')).toBe(request.prompt)
        const sent = new Uint8Array(await (form.get('image') as File).arrayBuffer())
        expect(Buffer.from(sent)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  test('a file name cannot break out of its header', async () => {
    const evil = { ...picture('x'), filename: 'a"\r\nx-evil: 1\r\n\r\n.png' }

    const wire = wireRequestOf(edit({ images: [evil] }))

    expect(Buffer.concat(wire.body).toString()).toContain(
      'filename="a%22%0D%0Ax-evil: 1%0D%0A%0D%0A.png"',
    )
    expect((await formOf(wire)).getAll('image')).toHaveLength(1)
  })

  test.each(['application/octet-stream', 'image/png\r\nx-evil: 1', ''])(
    'a file of the media type %j is refused before anything is sent',
    (mediaType) => {
      expect(() => wireRequestOf(edit({ images: [{ ...picture('x'), mediaType }] }))).toThrow(
        /is not the media type of a picture/,
      )
    },
  )

  test('no picture is copied', () => {
    const one = picture('one')

    const { body } = wireRequestOf(edit({ images: [one] }))

    expect(body).toContain(one.bytes)
  })
})

test('a variation has no prompt and no quality', async () => {
  const wire = wireRequestOf(edit({ operation: 'variation', request: { model: 'dall-e-2', n: 2 } }))

  expect(wire.path).toBe('/images/variations')
  expect([...(await formOf(wire)).keys()]).toEqual(['model', 'n', 'image'])
})
