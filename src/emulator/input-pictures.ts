/** Judges uploaded pictures as the API does: by the part's media type first, then by their bytes. */
import { type ApiError, badImageValue, badRequest, missingParameter } from './api-error.ts'
import { type CallForm, type SentPicture, tooManyImages, type Upload } from './call-form.ts'
import type { ImageModel } from './models.ts'
import type { OpenReference } from './references.ts'

export interface InputPicture {
  /** What an error calls it. */
  param: string
  bytes: Buffer
  width: number
  height: number
}

export interface InputPictures {
  images: InputPicture[]
  mask?: InputPicture
  /** Drawn over the first image. */
  markup?: InputPicture
}

const MEDIA_TYPES = new Set(['image/jpeg', 'image/png', 'image/webp'])
/** The looser of the two documented limits of a mask. */
const MASK_BYTES_MAX = 50_000_000

export async function checkInputPictures(
  form: CallForm,
  model: ImageModel,
  openReference: OpenReference,
): Promise<InputPictures> {
  const { countMax } = model.inputs
  const { mask, markup } = form
  if (form.images.length === 0) {
    throw missingParameter(form.encoding === 'json' ? 'images' : 'image')
  }
  if (form.images.length > countMax) throw tooManyImages('image', countMax, form.images.length)
  if (mask !== undefined && markup !== undefined) {
    throw badImageValue('markup', "'markup' cannot be combined with 'mask'.")
  }
  const open = async (sent: SentPicture) => ('bytes' in sent ? sent : await openReference(sent))
  const images: Inspected[] = []
  for (const sent of form.images) images.push(await checkImage(await open(sent), model))
  const [first] = images
  if (first === undefined) return { images }
  if (mask !== undefined) return { images, mask: await checkMask(await open(mask), first) }
  if (markup !== undefined) return { images, markup: await checkMarkup(await open(markup), first) }
  return { images }
}

async function checkImage(upload: Upload, model: ImageModel): Promise<Inspected> {
  const { bytesMax, squarePngOnly } = model.inputs
  const picture = await inspect(upload, bytesMax)
  if (!squarePngOnly) return picture
  if (picture.format !== 'png' || picture.width !== picture.height) {
    throw badImageValue(upload.param, 'Uploaded image must be a PNG and square.')
  }
  return picture
}

async function checkMask(upload: Upload, first: InputPicture): Promise<InputPicture> {
  const mask = await inspect(upload, MASK_BYTES_MAX)
  if (mask.format !== 'png' || !mask.hasAlpha) {
    throw badMask('mask must be a PNG with an alpha channel')
  }
  if (mask.width !== first.width || mask.height !== first.height) {
    throw badMask(
      `mask size ${mask.width}x${mask.height} does not match image size ${first.width}x${first.height}`,
    )
  }
  return mask
}

/** Unlike a mask, it is laid on the image as people see it: after its EXIF orientation. */
async function checkMarkup(upload: Upload, first: Inspected): Promise<InputPicture> {
  const markup = await inspect(upload, MASK_BYTES_MAX)
  const bad = (why: string) => badImageValue('markup', `Invalid markup image - ${why}.`)
  if (markup.format !== 'png') throw bad('markup must be a PNG')
  const { width, height } = first.upright
  if (markup.width !== width || markup.height !== height) {
    throw bad(
      `markup size ${markup.width}x${markup.height} does not match image size ${width}x${height}`,
    )
  }
  if (await isOpaque(markup)) throw bad('markup must contain transparent pixels')
  return markup
}

async function isOpaque({ bytes, param }: InputPicture): Promise<boolean> {
  const { default: sharp } = await import('sharp')
  const stats = await sharp(bytes)
    .stats()
    .catch(() => {
      throw unreadable(param)
    })
  return stats.isOpaque
}

function badMask(why: string): ApiError {
  return badImageValue('mask', `Invalid mask image format - ${why}.`, 'invalid_mask_image_format')
}

interface Inspected extends InputPicture {
  format: string
  hasAlpha: boolean
  /** Its size after the EXIF orientation. */
  upright: { width: number; height: number }
}

async function inspect({ param, bytes, mediaType }: Upload, bytesMax: number): Promise<Inspected> {
  if (!MEDIA_TYPES.has(mediaType)) throw unsupportedMediaType(param, mediaType)
  if (bytes.length >= bytesMax) {
    const message = `Invalid file '${param}': file too large. Expected less than ${bytesMax} bytes, but got ${bytes.length} instead.`
    throw badRequest(param, 'image_file_too_large', message)
  }
  if (bytes.length === 0) {
    throw badRequest(param, 'empty_image_file', `Invalid file '${param}': the file is empty.`)
  }
  if (!hasKnownSignature(bytes)) throw unreadable(param)
  const { default: sharp } = await import('sharp')
  try {
    const { width, height, format, hasAlpha, autoOrient } = await sharp(bytes).metadata()
    return { param, bytes, width, height, format, hasAlpha, upright: autoOrient }
  } catch {
    throw unreadable(param)
  }
}

function unsupportedMediaType(param: string, mediaType: string): ApiError {
  const message = `Invalid file '${param}': unsupported mimetype ('${mediaType}'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.`
  return badRequest(param, 'unsupported_file_mimetype', message)
}

/** Also for a file whose beginning is sound: that shows only when it is drawn. */
export function unreadable(param: string): ApiError {
  const message = `Invalid image file or mode for '${param}', please check your image file.`
  return badImageValue(param, message, 'invalid_image_file')
}

/** Keeps every other decoder (SVG, TIFF, ...) away from bytes that came over the wire. */
function hasKnownSignature(bytes: Buffer): boolean {
  const head = bytes.toString('latin1', 0, 12)
  return (
    head.startsWith('\x89PNG\r\n\x1a\n') ||
    head.startsWith('\xff\xd8\xff') ||
    (head.startsWith('RIFF') && head.endsWith('WEBP'))
  )
}
