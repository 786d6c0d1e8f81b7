import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ImagesCall, UploadPicture } from '../../../src/images-api/contract.ts'
import type { ImageRequest } from '../../../src/job.ts'
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

/** The body as it leaves, which can be asked for once. Checks what was promised of its length. */
function sent({ body, byteCount }: WireRequest): Buffer<ArrayBuffer> {
  const bytes = Buffer.concat([...body])
  expect(bytes.length).toBe(byteCount)
  return bytes
}

/** As a server reads it. */
const formOf = (wire: WireRequest): Promise<FormData> =>
  new Response(sent(wire), { headers: { 'content-type': wire.contentType } }).formData()

const jsonOf = (wire: WireRequest): unknown => {
  expect(wire.contentType).toBe('application/json')
  return JSON.parse(sent(wire).toString())
}

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
    expect(jsonOf(wire)).toEqual({
      model: 'gpt-image-2',
      prompt: 'ein Becher „é"',
      n: 2,
      quality: 'low',
    })
  })

  test('keeps numbers, booleans and the author of an svg what they are', () => {
    const request: ImageRequest = {
      model: 'gpt-image-2.6-flare',
      prompt: 'a mug',
      n: 1,
      output_format: 'svg',
      svg: { model: 'gpt-6', reasoning: { effort: 'low' } },
      stream: true,
      partial_images: 2,
    }

    expect(jsonOf(wireRequestOf({ operation: 'generate', request, images: [] }))).toEqual(request)
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
  })

  test('sends a markup as a file of its own, and flags as words', async () => {
    const request = { model: 'gpt-image-2.5-flare', n: 1, stream: true, partial_images: 0 }

    const form = await formOf(wireRequestOf(edit({ request, markup: picture('markup') })))

    expect(await (form.get('markup') as File).text()).toBe('markup')
    expect([form.get('stream'), form.get('partial_images')]).toEqual(['true', '0'])
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
        const image = await (form.get('image') as File).arrayBuffer()
        expect(Buffer.from(image)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  test('a file name cannot break out of its header', async () => {
    const evil = { ...picture('x'), filename: 'a"\r\nx-evil: 1\r\n\r\n.png' }

    const wire = wireRequestOf(edit({ images: [evil] }))

    const form = await formOf(wire)
    expect([...form.keys()].filter((name) => name === 'image')).toHaveLength(1)
    expect((form.get('image') as File).name).toBe('a"\r\nx-evil: 1\r\n\r\n.png')
    expect(form.has('x-evil')).toBe(false)
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

    expect([...body]).toContain(one.bytes)
  })
})

const dataUrl = (bytes: Uint8Array, mediaType = 'image/png') =>
  `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`

describe('an edit goes as JSON', () => {
  test('when a picture is a reference, the order of the row kept', () => {
    const images = [
      { file_id: 'file-1' },
      { ...picture('own'), mediaType: 'image/webp' },
      { image_url: 'https://x.example/a"b.png' },
    ]

    const wire = wireRequestOf(edit({ images, mask: { file_id: 'file-2' } }))

    expect(wire.path).toBe('/images/edits')
    expect(jsonOf(wire)).toEqual({
      model: 'gpt-image-2',
      prompt: 'a mug',
      n: 1,
      quality: 'low',
      images: [
        { file_id: 'file-1' },
        { image_url: dataUrl(Buffer.from('own'), 'image/webp') },
        { image_url: 'https://x.example/a"b.png' },
      ],
      mask: { file_id: 'file-2' },
    })
  })

  test('when only the mask is a reference', () => {
    const mask = { image_url: 'https://x.example/mask.png' }

    expect(jsonOf(wireRequestOf(edit({ mask })))).toMatchObject({
      images: [{ image_url: dataUrl(Buffer.from('one')) }],
      mask,
    })
  })

  test('when it has moderation, which no form takes', () => {
    const request = { model: 'gpt-image-2', prompt: 'é „x"\n', n: 2, moderation: 'low' }

    expect(jsonOf(wireRequestOf(edit({ request, mask: picture('mask') })))).toEqual({
      ...request,
      images: [{ image_url: dataUrl(Buffer.from('one')) }],
      mask: { image_url: dataUrl(Buffer.from('mask')) },
    })
  })

  test('with any bytes, of any length, as they are', () => {
    const lengths = fc.oneof(fc.nat(8), fc.integer({ min: 196_605, max: 196_612 }), fc.nat(500_000))
    fc.assert(
      fc.property(lengths, fc.nat(255), (length, first) => {
        const bytes = Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 7 + first) % 256))
        const images = [{ file_id: 'file-1' }, picture('x', bytes)]
        const body = jsonOf(wireRequestOf(edit({ images }))) as { images: unknown[] }
        expect(body.images[1]).toEqual({ image_url: dataUrl(bytes) })
      }),
      { numRuns: 40 },
    )
  })

  test('its pictures are made into text in pieces, never whole', () => {
    const images = [{ file_id: 'file-1' }, picture('x', Buffer.alloc(2_000_000, 7))]

    const sizes = [...wireRequestOf(edit({ images })).body].map(({ byteLength }) => byteLength)

    expect(Math.max(...sizes)).toBeLessThanOrEqual(262_144)
  })

  test('a picture may have 20,971,520 characters as a data URL, and not one group more', () => {
    // "data:image/png;base64," has 22 of them.
    const largest = 3 * Math.floor((20_971_520 - 22) / 4)
    const withBytes = (count: number) =>
      wireRequestOf(edit({ images: [{ file_id: 'file-1' }, picture('big', Buffer.alloc(count))] }))

    expect(withBytes(largest).byteCount).toBeLessThan(21_000_000)
    expect(() => withBytes(largest + 1)).toThrow(
      /^big\.png has 20,971,522 characters as a data URL, and the API takes 20,971,520: make/,
    )
  })

  test.each([
    ['a markup', { markup: picture('m'), mask: { file_id: 'file-1' } }, /the markup must be/],
    ['a referenced markup', { markup: { file_id: 'file-1' } }, /the markup must be a file/],
    [
      'a variation of a reference',
      { operation: 'variation' as const, images: [{ file_id: 'file-1' }] },
      /the image must be a file of its own/,
    ],
    [
      'a media type that is none',
      { images: [{ file_id: 'file-1' }, { ...picture('x'), mediaType: 'text/html' }] },
      /is not the media type of a picture/,
    ],
  ])('%s is refused before anything is sent', (_, call, message) => {
    expect(() => wireRequestOf(edit(call))).toThrow(message)
  })
})

test('a variation has no prompt and no quality', async () => {
  const wire = wireRequestOf(edit({ operation: 'variation', request: { model: 'dall-e-2', n: 2 } }))

  expect(wire.path).toBe('/images/variations')
  expect([...(await formOf(wire)).keys()]).toEqual(['model', 'n', 'image'])
})
