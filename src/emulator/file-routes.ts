/** `/v1/files`: what clients upload to name it in an edit later. */
import { ApiError, missingParameter } from './api-error.ts'
import { parseMultipart } from './call-form.ts'
import { authorize, type Exchange, readBody, sendJson } from './exchange.ts'
import { Parameters } from './parameters.ts'
import { FILE_PURPOSES, type UploadedFile } from './uploaded-files.ts'

const EXPIRY_SECONDS = { min: 3_600, max: 2_592_000 }

/** `POST /v1/files` */
export async function uploadFile(exchange: Exchange): Promise<void> {
  authorize(exchange)
  const { request, service } = exchange
  const body = await readBody(request, service.bodyBytesMax)
  const entries = await parseMultipart(body, request.headers['content-type'] ?? '')
  const file = entries.find(([name]) => name === 'file')?.[1]
  if (!(file instanceof File)) throw missingParameter('file')
  const parameters = new Parameters(new Map<string, unknown>(entries), 'multipart')
  const purpose = parameters.choice('purpose', FILE_PURPOSES)
  if (purpose === undefined) throw missingParameter('purpose')
  const seconds = parameters.integer(
    'expires_after[seconds]',
    EXPIRY_SECONDS.min,
    EXPIRY_SECONDS.max,
  )
  parameters.choice('expires_after[anchor]', ['created_at'])
  const createdAtMs = Date.now()
  const kept = service.uploads.add({
    filename: file.name,
    purpose,
    mediaType: mediaTypeOf(file),
    bytes: Buffer.from(await file.arrayBuffer()),
    createdAtMs,
    expiresAtMs: seconds === undefined ? undefined : createdAtMs + seconds * 1_000,
  })
  sendJson(exchange, 200, describe(kept))
}

/** `GET /v1/files` */
export function listFiles(exchange: Exchange): void {
  authorize(exchange)
  const query = exchange.url.searchParams
  const parameters = new Parameters(new Map<string, unknown>(query), 'multipart')
  const limit = parameters.integer('limit', 1, 10_000) ?? 10_000
  const isAscending = parameters.choice('order', ['asc', 'desc']) === 'asc'
  const [purpose, after] = [query.get('purpose'), query.get('after')]
  const oldestFirst = exchange.service.uploads
    .list()
    .filter((file) => purpose === null || file.purpose === purpose)
  const files = isAscending ? oldestFirst : oldestFirst.toReversed()
  const start = after === null ? 0 : files.findIndex(({ id }) => id === after) + 1
  const page = files.slice(start, start + limit).map(describe)
  sendJson(exchange, 200, {
    object: 'list',
    data: page,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: start + limit < files.length,
  })
}

/** `GET /v1/files/<id>` */
export function showFile(exchange: Exchange): void {
  sendJson(exchange, 200, describe(requestedFile(exchange)))
}

/** `GET /v1/files/<id>/content` */
export function sendFileContent(exchange: Exchange): void {
  const { bytes } = requestedFile(exchange)
  const { response } = exchange
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': bytes.length,
  })
  response.end(bytes)
}

/** `DELETE /v1/files/<id>` */
export function deleteFile(exchange: Exchange): void {
  const { id } = requestedFile(exchange)
  exchange.service.uploads.delete(id)
  sendJson(exchange, 200, { id, object: 'file', deleted: true })
}

function requestedFile(exchange: Exchange): UploadedFile {
  authorize(exchange)
  const file = exchange.service.uploads.find(exchange.parameter)
  if (file !== undefined) return file
  throw new ApiError(404, {
    message: `No such File object: ${exchange.parameter}`,
    param: 'id',
  })
}

function describe({ id, filename, purpose, bytes, createdAtMs, expiresAtMs }: UploadedFile) {
  return {
    id,
    object: 'file' as const,
    bytes: bytes.length,
    created_at: Math.floor(createdAtMs / 1_000),
    ...(expiresAtMs === undefined ? {} : { expires_at: Math.floor(expiresAtMs / 1_000) }),
    filename,
    purpose,
    status: 'processed' as const,
    status_details: null,
  }
}

const TYPES_BY_EXTENSION: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
}

/** Files are told apart by their names; many clients send no better type than bytes. */
function mediaTypeOf({ name, type }: File): string {
  if (type !== '' && type !== 'application/octet-stream') return type
  return TYPES_BY_EXTENSION[name.split('.').at(-1)?.toLowerCase() ?? ''] ?? type
}
