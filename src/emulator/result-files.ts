/**
 * Pictures behind a `url`: signed links that expire, answered as a blob store does. Bytes are kept in
 * memory under a bound; the oldest go first, and expired ones with them.
 */
import type { ServerResponse } from 'node:http'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Exchange } from './exchange.ts'
import type { Delivery } from './fault-kinds.ts'
import type { MadePicture } from './make-pictures.ts'

const KEPT_BYTES_MAX = 512 * 1_048_576

interface ResultFile {
  bytes: Buffer
  contentType: string
  expiresAtMs: number
  failure: { status: number; left: number }
}

type FileError = Extract<Delivery, { kind: 'file_error' }>

export class ResultFiles {
  readonly #lifetimeMs: number
  readonly #secret = randomBytes(32)
  /** In the order they were made, which is the order they expire in. */
  readonly #files = new Map<string, ResultFile>()
  #keptBytes = 0
  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs
  }

  /** Keeps the picture and gives the path and query of its link, which may be told to fail at first. */
  add({ bytes, format }: MadePicture, fault?: FileError): string {
    const name = `img-${randomBytes(12).toString('hex')}.${format}`
    const expiresAtMs = Date.now() + this.#lifetimeMs
    const failure = { status: fault?.status ?? 503, left: fault?.times ?? 0 }
    this.#files.set(name, { bytes, contentType: `image/${format}`, expiresAtMs, failure })
    this.#keptBytes += bytes.length
    this.#drop()
    const expiry = new Date(expiresAtMs).toISOString()
    const query = new URLSearchParams({ se: expiry, sp: 'r', sig: this.#sign(name, expiry) })
    return `/_files/${name}?${query.toString()}`
  }

  find(name: string, query: URLSearchParams): ResultFile | 'refused' | 'absent' {
    const expiry = query.get('se') ?? ''
    if (!this.#isSigned(name, expiry, query.get('sig') ?? '')) return 'refused'
    if (Date.now() >= Date.parse(expiry)) return 'refused'
    return this.#files.get(name) ?? 'absent'
  }

  #drop(): void {
    for (const [name, file] of this.#files) {
      if (this.#keptBytes <= KEPT_BYTES_MAX && file.expiresAtMs > Date.now()) return
      this.#files.delete(name)
      this.#keptBytes -= file.bytes.length
    }
  }

  #sign(name: string, expiry: string): string {
    return createHmac('sha256', this.#secret).update(`${name}\n${expiry}`).digest('base64')
  }

  #isSigned(name: string, expiry: string, signature: string): boolean {
    const expected = Buffer.from(this.#sign(name, expiry))
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}

/** `GET /_files/<name>`: no key needed, the link itself is the permission. */
export function serveResultFile({ request, response, url, parameter, service }: Exchange): void {
  const file = service.files.find(parameter, url.searchParams)
  if (typeof file === 'string') {
    sendBlobError(response, BLOB_ERRORS[file])
    return
  }
  if (file.failure.left > 0) {
    file.failure.left -= 1
    sendBlobError(response, { status: file.failure.status, ...TOLD_TO_FAIL })
    return
  }
  response.setHeader('content-type', file.contentType)
  response.setHeader('accept-ranges', 'bytes')
  const { start, end } = rangeOf(request.headers.range, file.bytes.length)
  const part = file.bytes.subarray(start, end)
  if (part.length < file.bytes.length) {
    response.statusCode = 206
    response.setHeader('content-range', `bytes ${start}-${end - 1}/${file.bytes.length}`)
  }
  response.setHeader('content-length', part.length)
  response.end(part)
}

const BLOB_ERRORS = {
  refused: {
    status: 403,
    code: 'AuthenticationFailed',
    message:
      'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  },
  absent: { status: 404, code: 'BlobNotFound', message: 'The specified blob does not exist.' },
} as const

const TOLD_TO_FAIL = { code: 'ServerBusy', message: 'The emulator was told to fail here.' }

function sendBlobError(
  response: ServerResponse,
  { status, code, message }: { status: number; code: string; message: string },
): void {
  response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code })
  response.end(
    `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  )
}

/** One plain range; anything else, and any that makes no sense, gets the whole file, as HTTP allows. */
function rangeOf(header: string | undefined, byteCount: number): { start: number; end: number } {
  const match = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(header ?? '')
  const start = Number(match?.[1] ?? 0)
  const last = match?.[2] ? Number(match[2]) : byteCount - 1
  if (start >= byteCount || last < start) return { start: 0, end: byteCount }
  return { start, end: Math.min(last + 1, byteCount) }
}
