/**
 * The JSON form of an edit: pictures as references, or as data URLs where we hold their bytes. Base64 is made
 * piece by piece while the request is sent, so that beside a picture only one piece of it is in memory.
 */
import { InputUnusableError } from '../errors.ts'
import { isReference, withMediaType } from './call-pictures.ts'
import type { CallPicture, ImagesCall, UploadPicture } from './contract.ts'
import { DATA_URL_CHARS_MAX, dataUrlCharsOf, dataUrlHead } from './edit-form.ts'

/** A multiple of 3, so that no piece but the last of a picture ends in padding. */
const BYTES_PER_PIECE = 3 * 65_536

/** JSON text as it stands, or a picture that still has to become text. */
type Part = string | UploadPicture

export function jsonEditBody({ request, images, mask, markup }: ImagesCall): {
  body: Iterable<Uint8Array>
  byteCount: number
} {
  if (markup !== undefined) {
    throw new InputUnusableError(
      'the markup must be uploaded as a file, which the JSON form of an edit can not do: leave out references and moderation',
    )
  }
  const parts: Part[] = [
    // Model and n are always there, so something stands before the comma.
    JSON.stringify(request).slice(0, -1),
    ',"images":[',
    ...images.flatMap((image, index) => [index === 0 ? '' : ',', ...pictureParts(image)]),
    ']',
    ...(mask === undefined ? [] : [',"mask":', ...pictureParts(mask)]),
    '}',
  ]
  return {
    body: encoded(parts),
    byteCount: parts.reduce((sum, part) => sum + byteCountOf(part), 0),
  }
}

function pictureParts(picture: CallPicture): Part[] {
  if (isReference(picture)) return [JSON.stringify(picture)]
  const { mediaType, filename, bytes } = withMediaType(picture)
  const charCount = dataUrlCharsOf({ mediaType, byteCount: bytes.byteLength })
  if (charCount > DATA_URL_CHARS_MAX) {
    const [is, most] = [charCount, DATA_URL_CHARS_MAX].map((count) => count.toLocaleString('en'))
    throw new InputUnusableError(
      `${filename} has ${is} characters as a data URL, and the API takes ${most}: make the picture smaller, or upload it to the Files API and name its file id`,
    )
  }
  return [`{"image_url":"${dataUrlHead(mediaType)}`, picture, '"}']
}

function byteCountOf(part: Part): number {
  if (typeof part === 'string') return Buffer.byteLength(part)
  return 4 * Math.ceil(part.bytes.byteLength / 3)
}

function* encoded(parts: readonly Part[]): Generator<Uint8Array> {
  for (const part of parts) {
    if (typeof part === 'string') yield Buffer.from(part)
    else yield* base64Pieces(part.bytes)
  }
}

function* base64Pieces(bytes: Uint8Array): Generator<Uint8Array> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let from = 0; from < buffer.length; from += BYTES_PER_PIECE) {
    yield Buffer.from(buffer.toString('base64', from, from + BYTES_PER_PIECE), 'latin1')
  }
}
