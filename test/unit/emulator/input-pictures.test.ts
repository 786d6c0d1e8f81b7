import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/emulator/api-error.ts'
import type { CallForm, Upload } from '../../../src/emulator/call-form.ts'
import { checkInputPictures } from '../../../src/emulator/input-pictures.ts'
import { findModel } from '../../../src/emulator/models.ts'
import { API, plainPng } from './requests.ts'

const upload = (bytes: Buffer, facts: Partial<Upload> = {}): Upload => ({
  param: 'image',
  mediaType: 'image/png',
  bytes,
  ...facts,
})

function check(
  images: Upload[],
  { model = 'gpt-image-2', ...overlays }: { mask?: Upload; markup?: Upload; model?: string } = {},
) {
  const form: CallForm = { encoding: 'multipart', values: new Map(), images, ...overlays }
  const found = findModel(model)
  if (found === undefined) throw new Error(`no model ${model}`)
  return checkInputPictures(form, found, API.openReference)
}

async function refusalOf(call: Promise<unknown>) {
  const error = await call.catch((thrown: unknown) => thrown)
  if (!(error instanceof ApiError)) throw new Error(`not refused by the API: ${String(error)}`)
  return error.body.error
}

describe('images', () => {
  test('are measured, and kept in order', async () => {
    const jpeg = await sharp(await plainPng(30, 20))
      .jpeg()
      .toBuffer()

    const { images } = await check([
      upload(await plainPng(40, 50)),
      upload(jpeg, { mediaType: 'image/jpeg' }),
    ])

    expect(images.map(({ width, height }) => [width, height])).toEqual([
      [40, 50],
      [30, 20],
    ])
  })

  test('are judged by the media type of their part, not by their bytes', async () => {
    const refusal = await refusalOf(
      check([upload(await plainPng(8, 8), { mediaType: 'application/octet-stream' })]),
    )

    expect(refusal.message).toContain("unsupported mimetype ('application/octet-stream')")
    expect(refusal).toMatchObject({ code: 'unsupported_file_mimetype', param: 'image' })
  })

  test.each([
    ['text', Buffer.from('no picture at all, but long enough')],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['a PNG cut after its signature', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')],
  ])('%s under a picture media type is an invalid image file', async (_, bytes) => {
    expect(await refusalOf(check([upload(bytes)]))).toMatchObject({ code: 'invalid_image_file' })
  })

  test('an empty file is told apart', async () => {
    const refusal = await refusalOf(check([upload(Buffer.alloc(0))]))

    expect(refusal.code).toBe('empty_image_file')
  })

  test('none at all, more than sixteen, and more than one for dall-e-2 are refused', async () => {
    const one = upload(await plainPng(8, 8))

    expect(await refusalOf(check([]))).toMatchObject({ code: 'missing_required_parameter' })
    expect(await refusalOf(check(Array.from({ length: 17 }, () => one)))).toMatchObject({
      code: 'array_above_max_length',
    })
    expect(await refusalOf(check([one, one], { model: 'dall-e-2' }))).toMatchObject({
      code: 'array_above_max_length',
    })
  })

  test('for dall-e-2 must be a square PNG under 4 MB', async () => {
    const wide = upload(await plainPng(16, 8))
    const heavy = upload(Buffer.concat([await plainPng(8, 8), Buffer.alloc(4_000_000)]))

    expect((await refusalOf(check([wide], { model: 'dall-e-2' }))).message).toMatch(/square/)
    expect(await refusalOf(check([heavy], { model: 'dall-e-2' }))).toMatchObject({
      code: 'image_file_too_large',
    })
  })
})

describe('a mask', () => {
  test('of the same size, with alpha, is taken', async () => {
    const mask = upload(await plainPng(40, 30, true), { param: 'mask' })

    const inputs = await check([upload(await plainPng(40, 30))], { mask })

    expect(inputs.mask).toMatchObject({ width: 40, height: 30 })
  })

  test.each([
    ['without an alpha channel', () => plainPng(40, 30), /alpha channel/],
    ['of another size', () => plainPng(30, 30, true), /30x30 does not match image size 40x30/],
    [
      'that is no PNG',
      async () =>
        sharp(await plainPng(40, 30, true))
          .webp()
          .toBuffer(),
      /must be a PNG/,
    ],
  ])('%s is refused', async (_, make, message) => {
    const mask = upload(await make(), { param: 'mask' })

    const refusal = await refusalOf(check([upload(await plainPng(40, 30))], { mask }))

    expect(refusal.message).toMatch(message)
    expect(refusal).toMatchObject({ param: 'mask', code: 'invalid_mask_image_format' })
  })

  test('is measured against the first image', async () => {
    const mask = upload(await plainPng(40, 30, true), { param: 'mask' })
    const images = [upload(await plainPng(8, 8)), upload(await plainPng(40, 30))]

    expect((await refusalOf(check(images, { mask }))).message).toMatch(/image size 8x8/)
  })
})

describe('a markup', () => {
  test('is laid on the first image as people see it', async () => {
    const turned = await sharp(await plainPng(40, 30))
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const image = upload(turned, { mediaType: 'image/jpeg' })
    const markup = upload(await plainPng(30, 40, true), { param: 'markup' })

    expect((await check([image], { markup })).markup).toMatchObject({ width: 30, height: 40 })
  })

  test.each([
    ['without transparent pixels', () => plainPng(40, 30), /must contain transparent pixels/],
    ['of another size', () => plainPng(30, 40, true), /30x40 does not match image size 40x30/],
    [
      'that is no PNG',
      async () =>
        sharp(await plainPng(40, 30, true))
          .webp()
          .toBuffer(),
      /must be a PNG/,
    ],
  ])('%s is refused', async (_, make, message) => {
    const markup = upload(await make(), { param: 'markup' })

    const refusal = await refusalOf(check([upload(await plainPng(40, 30))], { markup }))

    expect(refusal).toMatchObject({ param: 'markup', code: 'invalid_value' })
    expect(refusal.message).toMatch(message)
  })

  test('beside a mask is refused', async () => {
    const overlay = upload(await plainPng(40, 30, true), { param: 'markup' })
    const images = [upload(await plainPng(40, 30))]

    const refusal = await refusalOf(check(images, { markup: overlay, mask: overlay }))

    expect(refusal.message).toMatch(/cannot be combined with 'mask'/)
  })
})
