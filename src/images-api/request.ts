/**
 * A call as it goes over the wire: JSON for generations, multipart for what uploads files. Multipart is
 * written here rather than by FormData, which would copy every picture and change the line ends of prompts.
 */
import { randomUUID } from 'node:crypto'
import { InputUnusableError } from '../errors.ts'
import type { Operation } from '../job.ts'
import type { ImagesCall, UploadPicture } from './contract.ts'

export interface WireRequest {
  /** Below the base URL. */
  path: string
  contentType: string
  /** The body in pieces, so that no picture is copied into one large buffer. */
  body: readonly Uint8Array[]
  byteCount: number
}

const PATHS: Readonly<Record<Operation, string>> = {
  generate: '/images/generations',
  edit: '/images/edits',
  variation: '/images/variations',
}

export function wireRequestOf(call: ImagesCall): WireRequest {
  const { contentType, body } = call.operation === 'generate' ? asJson(call) : asMultipart(call)
  const byteCount = body.reduce((sum, piece) => sum + piece.byteLength, 0)
  return { path: PATHS[call.operation], contentType, body, byteCount }
}

type Encoded = Pick<WireRequest, 'contentType' | 'body'>

function asJson({ request }: ImagesCall): Encoded {
  return { contentType: 'application/json', body: [Buffer.from(JSON.stringify(request))] }
}

function asMultipart({ request, images, mask }: ImagesCall): Encoded {
  const boundary = `renderq-${randomUUID()}`
  // One picture goes as `image`, several as `image[]`, in the order of the row: the mask belongs to the first.
  const imageField = images.length > 1 ? 'image[]' : 'image'
  const body = [
    ...Object.entries(request)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => textPart(boundary, name, String(value))),
    ...images.flatMap((picture) => filePart(boundary, imageField, picture)),
    ...(mask === undefined ? [] : filePart(boundary, 'mask', mask)),
    Buffer.from(`--${boundary}--\r\n`),
  ]
  return { contentType: `multipart/form-data; boundary=${boundary}`, body }
}

const textPart = (boundary: string, name: string, value: string): Uint8Array =>
  Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)

function filePart(boundary: string, field: string, picture: UploadPicture): Uint8Array[] {
  const { mediaType, filename, bytes } = picture
  // The API judges an upload by this word alone, and it must not smuggle in a header of its own.
  if (!/^image\/[a-z0-9.+-]+$/.test(mediaType)) {
    throw new InputUnusableError(`${JSON.stringify(mediaType)} is not the media type of a picture`)
  }
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${field}"; filename="${escapeFilename(filename)}"\r\ncontent-type: ${mediaType}\r\n\r\n`
  return [Buffer.from(head), bytes, Buffer.from('\r\n')]
}

/** As browsers do it. */
const escapeFilename = (name: string): string =>
  name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22')
