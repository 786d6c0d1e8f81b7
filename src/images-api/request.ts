/** A call as it goes over the wire: JSON for generations, multipart for what uploads files, either for edits. */
import type { Operation } from '../job.ts'
import { isReference } from './call-pictures.ts'
import type { ImagesCall } from './contract.ts'
import { editFormOf } from './edit-form.ts'
import { jsonEditBody } from './json-edit.ts'
import { multipartBody } from './multipart.ts'

export interface WireRequest {
  /** Below the base URL. */
  path: string
  contentType: string
  /** In pieces, so that no picture is copied into one large buffer. To be read once. */
  body: Iterable<Uint8Array>
  byteCount: number
}

const PATHS: Readonly<Record<Operation, string>> = {
  generate: '/images/generations',
  edit: '/images/edits',
  variation: '/images/variations',
}

/** Throws InputUnusableError for pictures that can't go the way this call has to go. */
export function wireRequestOf(call: ImagesCall): WireRequest {
  return { path: PATHS[call.operation], ...encode(call) }
}

function encode(call: ImagesCall): Omit<WireRequest, 'path'> {
  const json = { contentType: 'application/json' }
  if (call.operation === 'generate') {
    const body = Buffer.from(JSON.stringify(call.request))
    return { ...json, body: [body], byteCount: body.length }
  }
  if (isJsonEdit(call)) return { ...json, ...jsonEditBody(call) }
  const { contentType, body } = multipartBody(call)
  return { contentType, body, byteCount: body.reduce((sum, piece) => sum + piece.byteLength, 0) }
}

function isJsonEdit({ operation, request, images, mask }: ImagesCall): boolean {
  const hasReference = [...images, mask].some(isReference)
  return operation === 'edit' && editFormOf(request, { hasReference }) === 'json'
}
