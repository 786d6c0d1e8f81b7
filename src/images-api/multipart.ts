/**
 * The form of a request that uploads files. Written here rather than by FormData, which would copy every
 * picture and change the line ends of prompts.
 */
import { randomUUID } from 'node:crypto'
import { uploadOf } from './call-pictures.ts'
import type { CallPicture, ImagesCall } from './contract.ts'

export function multipartBody({ request, images, mask, markup }: ImagesCall): {
  contentType: string
  body: readonly Uint8Array[]
} {
  const boundary = `renderq-${randomUUID()}`
  // One picture goes as `image`, several as `image[]`, in the order of the row: the mask belongs to the first.
  const imageField = images.length > 1 ? 'image[]' : 'image'
  const body = [
    ...Object.entries(request)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => textPart(boundary, name, fieldOf(value))),
    ...images.flatMap((picture) => filePart(boundary, imageField, picture)),
    ...(mask === undefined ? [] : filePart(boundary, 'mask', mask)),
    ...(markup === undefined ? [] : filePart(boundary, 'markup', markup)),
    Buffer.from(`--${boundary}--\r\n`),
  ]
  return { contentType: `multipart/form-data; boundary=${boundary}`, body }
}

/** Only generations have a parameter that is more than a word or a number. */
const fieldOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

const textPart = (boundary: string, name: string, value: string): Uint8Array =>
  Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)

function filePart(boundary: string, field: string, picture: CallPicture): Uint8Array[] {
  const { mediaType, filename, bytes } = uploadOf(picture, field)
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${field}"; filename="${escapeFilename(filename)}"\r\ncontent-type: ${mediaType}\r\n\r\n`
  return [Buffer.from(head), bytes, Buffer.from('\r\n')]
}

/** As browsers do it. */
const escapeFilename = (name: string): string =>
  name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
