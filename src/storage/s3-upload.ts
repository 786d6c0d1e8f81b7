/** Bodies for PutObject: their length and a digest known before the first byte is sent. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { FileChangedError, StorageRejectedError, StorageUnavailableError } from '../errors.ts'
import type { FileBody, PutBody } from './store.ts'

/** Up to here a file is read whole, because the SDK repeats a put only from memory. */
const IN_MEMORY_BYTES_MAX = 64 * 1024 * 1024
/**
 * With its digest known, a larger file is read while it is sent, so that a slot's memory stays small. The SDK
 * does not repeat a streamed put, not even after a 503: whoever has paid for the picture does (`keepTrying`).
 */
const KNOWN_IN_MEMORY_BYTES_MAX = 4 * 1024 * 1024
const READ_BYTES = 262_144
/** Trying again does not help; after any other failure of a disk it may. */
const NEVER_READABLE = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'ELOOP'])

export interface Upload {
  byteCount: number
  /** Base64, as Content-MD5 wants it: the one checksum that servers of every age verify. */
  md5?: string
  /** Hex, instead of the MD5. Signed into the request, so that the server verifies the body against it. */
  sha256?: string
  /** Once per request. */
  openBody(): UploadBody
  /** Asked when the server got other bytes than those of the digest: throws when the file itself has changed. */
  assertUnchanged(): Promise<void>
}

/** Disposing closes the file. */
export interface UploadBody extends Disposable {
  bytes: Buffer | Readable
  /** Aborted when the file can't be read on, with our error as its reason. */
  unreadable?: AbortSignal
}

export async function openUpload(body: PutBody): Promise<Upload> {
  if (body instanceof Uint8Array) return uploadOf(body)
  const { file, sha256 } = body
  try {
    const { size } = await stat(file)
    if (sha256 !== undefined) return await uploadOfKnown({ file, sha256 }, size)
    if (size <= IN_MEMORY_BYTES_MAX) return uploadOf(await readFile(file))
    const md5 = await digestOf(file, 'md5', 'base64')
    return { byteCount: size, md5, openBody: () => streamOf(file), assertUnchanged }
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

async function uploadOfKnown(
  { file, sha256 }: Required<FileBody>,
  byteCount: number,
): Promise<Upload> {
  const known = { sha256, assertUnchanged: () => assertDigest(file, sha256) }
  if (byteCount > KNOWN_IN_MEMORY_BYTES_MAX) {
    return { ...known, byteCount, openBody: () => streamOf(file) }
  }
  const bytes = await readFile(file)
  return { ...known, byteCount: bytes.length, openBody: () => inMemory(bytes) }
}

function uploadOf(bytes: Uint8Array): Upload {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const md5 = createHash('md5').update(buffer).digest('base64')
  return { byteCount: buffer.byteLength, md5, openBody: () => inMemory(buffer), assertUnchanged }
}

/** Of a body that nobody had hashed before us. */
async function assertUnchanged(): Promise<void> {}

async function assertDigest(file: string, sha256: string): Promise<void> {
  const found = await digestOf(file, 'sha256', 'hex').catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  if (found !== sha256) throw new FileChangedError(file)
}

function inMemory(bytes: Buffer): UploadBody {
  return { bytes, [Symbol.dispose]: () => {} }
}

/** Closes the file however the request ends: the SDK leaves a stream open when it could not send all of it. */
function streamOf(file: string): UploadBody {
  const bytes = createReadStream(file, { highWaterMark: READ_BYTES })
  const reading = new AbortController()
  // With nobody listening, a file that can't be read would end the process.
  bytes.on('error', (cause) => reading.abort(unreadable(file, cause)))
  return { bytes, unreadable: reading.signal, [Symbol.dispose]: () => void bytes.destroy() }
}

function unreadable(file: string, cause: unknown): Error {
  const { code = '' } = cause as NodeJS.ErrnoException
  const message = `${file}, which was to be stored, can't be read`
  return NEVER_READABLE.has(code)
    ? new StorageRejectedError(message, { cause })
    : new StorageUnavailableError(`${message} now (${code})`, { cause })
}

async function digestOf(
  file: string,
  algorithm: 'md5' | 'sha256',
  encoding: 'base64' | 'hex',
): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest(encoding)
}
