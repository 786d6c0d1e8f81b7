import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { PICTURE_FORMATS } from '../../../src/emulator/models.ts'
import { markPicture, padPicture } from '../../../src/emulator/picture-chunks.ts'
import { drawPicture, type PictureSpec } from '../../../src/emulator/pictures.ts'
import { plainPng } from './requests.ts'

const spec: PictureSpec = {
  seed: 'a red mug',
  size: { width: 256, height: 256 },
  format: 'png',
  background: 'opaque',
  animation: undefined,
  svgAuthor: undefined,
  compression: 100,
  images: [],
}

/** Decodes every pixel, so that a broken file can't pass. */
async function decode(bytes: Buffer) {
  const { format } = await sharp(bytes).metadata()
  // Of gif and svg, sharp says that they have alpha whatever they show.
  const hasAlpha = !(await sharp(bytes).stats()).isOpaque
  const { data, info } = await sharp(bytes, { failOn: 'warning' })
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const pixel = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 4).subarray(0, 4),
  ]
  return { format, hasAlpha, width: info.width, height: info.height, data, pixel }
}

const input = async (width: number, height: number, hole = false) => {
  const bytes = await plainPng(width, height, hole)
  return { param: 'image', bytes, width, height }
}

describe.each(PICTURE_FORMATS)('a %s', (format) => {
  test('has exactly the asked size and stays small in bytes', async () => {
    for (const size of [
      { width: 256, height: 256 },
      { width: 1536, height: 1024 },
      { width: 1008, height: 2992 },
    ]) {
      const bytes = await drawPicture({ ...spec, size, format })

      expect(await decode(bytes)).toMatchObject({ format, ...size, hasAlpha: false })
      expect(bytes.length).toBeLessThan(250_000)
    }
  })

  test('still decodes to the same pixels with a mark and with padding', async () => {
    const bytes = await drawPicture({ ...spec, format })

    const marked = padPicture(markPicture(bytes, format, 'req_0123'), format, 2_500_000)

    expect(marked.includes('req_0123')).toBe(true)
    expect(marked.length).toBeGreaterThanOrEqual(bytes.length + 2_500_000)
    expect(marked.length).toBeLessThan(bytes.length + 2_510_000)
    expect((await decode(marked)).data.equals((await decode(bytes)).data)).toBe(true)
  })

  test('takes a lower compression number', async () => {
    const bytes = await drawPicture({ ...spec, format, compression: 0 })

    expect(await decode(bytes)).toMatchObject({ format, width: 256 })
  })
})

test('an animated gif has its frames, which differ, and its timing', async () => {
  const animation = { frameCount: 5, frameDurationMs: 130 }

  const bytes = await drawPicture({ ...spec, format: 'gif', animation })

  const frames = await Promise.all(
    [0, 1, 2, 3, 4].map((page) => sharp(bytes, { page }).raw().toBuffer()),
  )
  const { pages, delay, pageHeight } = await sharp(bytes, { animated: true }).metadata()
  expect({ pages, pageHeight, delay }).toEqual({
    pages: 5,
    pageHeight: 256,
    delay: [130, 130, 130, 130, 130],
  })
  expect(new Set(frames.map((frame) => frame.toString('hex'))).size).toBe(5)
})

test('an svg shows the same as a png', async () => {
  const [svg, png] = await Promise.all(
    (['svg', 'png'] as const).map(async (format) => decode(await drawPicture({ ...spec, format }))),
  )

  // Away from the borders of the figure's cells, which an SVG may soften.
  for (const at of [2, 50, 128, 200]) expect(svg?.pixel(at, at)).toEqual(png?.pixel(at, at))
})

test('a picture on the way is closer to grey the earlier it is', async () => {
  const spread = async (progress?: number) => {
    const facts = progress === undefined ? {} : { progress }
    const { channels } = await sharp(await drawPicture({ ...spec, ...facts })).stats()
    return Math.max(...channels.map(({ max, min }) => max - min))
  }

  const [early, late, ready] = [await spread(0.25), await spread(0.75), await spread()]

  expect(early).toBeLessThan(late)
  expect(late).toBeLessThan(ready)
})

test('the same seed always looks the same, another looks different', async () => {
  const [first, again, other] = await Promise.all(
    ['a', 'a', 'b'].map(async (seed) => decode(await drawPicture({ ...spec, seed }))),
  )

  expect(again?.data.equals(first?.data ?? Buffer.alloc(0))).toBe(true)
  expect(other?.data.equals(first?.data ?? Buffer.alloc(0))).toBe(false)
})

test.each(['png', 'webp'] as const)(
  'a transparent %s is open around the figure',
  async (format) => {
    const picture = await decode(await drawPicture({ ...spec, format, background: 'transparent' }))

    expect(picture.hasAlpha).toBe(true)
    expect(picture.pixel(0, 0)[3]).toBe(0)
    expect(picture.data.includes(255)).toBe(true)
  },
)

describe('an edit', () => {
  test('changes what the mask opens and leaves the rest as it was', async () => {
    const images = [await input(300, 200)]
    const mask = await input(300, 200, true)

    const picture = await decode(await drawPicture({ ...spec, images, mask }))

    expect(picture).toMatchObject({ width: 256, height: 256 })
    expect(picture.pixel(200, 100)).toEqual([200, 200, 200, 255])
    expect(picture.pixel(50, 100)).not.toEqual([200, 200, 200, 255])
  })

  test('without a mask changes everything', async () => {
    const picture = await decode(await drawPicture({ ...spec, images: [await input(300, 200)] }))

    expect(picture.pixel(50, 100)).not.toEqual([200, 200, 200, 255])
    expect(picture.pixel(200, 100)).not.toEqual([200, 200, 200, 255])
  })

  test('shows its markup where that is not transparent', async () => {
    const images = [await input(300, 200)]
    const dot = await sharp({
      create: { width: 300, height: 200, channels: 4, background: '#ff000000' },
    })
      .composite([
        {
          input: { create: { width: 150, height: 200, channels: 3, background: '#ff0000' } },
          left: 0,
          top: 0,
        },
      ])
      .png()
      .toBuffer()
    const markup = { param: 'markup', bytes: dot, width: 300, height: 200 }

    const marked = await decode(await drawPicture({ ...spec, images, markup }))
    const plain = await decode(await drawPicture({ ...spec, images }))

    expect(marked.pixel(50, 100)).toEqual([255, 0, 0, 255])
    expect(marked.pixel(200, 100)).toEqual(plain.pixel(200, 100))
  })

  test('shows its further pictures in their order along the lower edge', async () => {
    const colours = ['#ff0000', '#00ff00', '#0000ff']
    const images = await Promise.all(
      ['#808080', ...colours].map(async (background) => ({
        param: 'image',
        bytes: await sharp({ create: { width: 20, height: 20, channels: 3, background } })
          .png()
          .toBuffer(),
        width: 20,
        height: 20,
      })),
    )

    const picture = await decode(await drawPicture({ ...spec, images }))

    expect([8, 24, 40].map((x) => picture.pixel(x, 250))).toEqual([
      [255, 0, 0, 255],
      [0, 255, 0, 255],
      [0, 0, 255, 255],
    ])
  })

  test('takes a greyscale picture and one with 16 bits per channel', async () => {
    const grey = await sharp(await plainPng(40, 40))
      .greyscale()
      .png()
      .toBuffer()
    const deep = await sharp(await plainPng(40, 40))
      .toColourspace('rgb16')
      .png()
      .toBuffer()

    for (const bytes of [grey, deep]) {
      const images = [{ param: 'image', bytes, width: 40, height: 40 }]

      expect(await decode(await drawPicture({ ...spec, images }))).toMatchObject({ width: 256 })
    }
  })

  test('of a picture that is cut off is refused as the API refuses it', async () => {
    const whole = await input(300, 200)
    const images = [{ ...whole, bytes: whole.bytes.subarray(0, whole.bytes.length / 2) }]

    await expect(drawPicture({ ...spec, images })).rejects.toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_image_file', param: 'image' } },
    })
  })
})
