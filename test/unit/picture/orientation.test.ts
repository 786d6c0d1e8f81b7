import * as fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { shownSizeOf } from '../../../src/picture/orientation.ts'

const STORED = { width: 16, height: 8 }

const drawn = (orientation?: number) => {
  const picture = sharp({ create: { ...STORED, channels: 3, background: '#f00' } })
  return orientation === undefined ? picture : picture.withMetadata({ orientation })
}

/** Another reader of EXIF, which really turns the pixels. */
async function shownBySharp(picture: Buffer) {
  const { info } = await sharp(picture).autoOrient().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height }
}

describe.each(['jpeg', 'png', 'webp'] as const)('%s', (format) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('held as EXIF orientation %d', async (orientation) => {
    const picture = await drawn(orientation).toFormat(format).toBuffer()

    const shown = shownSizeOf(picture, STORED)

    expect(shown).toEqual(await shownBySharp(picture))
    expect(shown.width).toBe(orientation < 5 ? 16 : 8)
  })

  test('without EXIF is upright', async () => {
    expect(shownSizeOf(await drawn().toFormat(format).toBuffer(), STORED)).toEqual(STORED)
  })

  test('with damaged EXIF is read all the same', async () => {
    const picture = await drawn(6).toFormat(format).toBuffer()

    fc.assert(
      fc.property(fc.nat(picture.length - 1), fc.nat(255), fc.nat(picture.length), (...damage) => {
        const [at, byte, length] = damage
        const damaged = Buffer.from(picture.subarray(0, Math.max(16, length)))
        if (at < damaged.length) damaged[at] = byte
        const { width, height } = shownSizeOf(damaged, STORED)
        expect(width * height).toBe(128)
      }),
    )
  })
})
