/** Bodies for PutObject: their length and a digest known before the first byte is sent. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { StorageRejectedError } from '../errors.ts'
import type { FileBody, PutBody } from './store.ts'

/**
 * Up to here a file is read whole, because the SDK repeats a put only from memory. Pictures and records are
 * below it; only the result files of very large runs are above, and are left to the caller to repeat.
 */
const IN_MEMORY_BYTES_MAX = 64 * 1024 * 1024
/** With its digest known, a larger file is read while it is sent, so that a slot's memory stays small. */
const KNOWN_IN_MEMORY_BYTES_MAX = 4 * 1024 * 1024
const READ_BYTES = 262_144

export interface Upload {
  byteCount: number
  /** Base64, as Content-MD5 wants it: the one checksum that servers of every age verify. */
  md5?: string
  /** Hex, instead of the MD5. Signed into the request, so that the server verifies the body against it. */
  sha256?: string
  /** Called once per request. */
  body(): Buffer | Readable
}

export async function openUpload(body: PutBody): Promise<Upload> {
  if (body instanceof Uint8Array) return uploadOf(body)
  const { file, sha256 } = body
  try {
    const { size } = await stat(file)
    if (sha256 !== undefined) return await uploadOfKnown({ file, sha256 }, size)
    if (size <= IN_MEMORY_BYTES_MAX) return uploadOf(await readFile(file))
    return { byteCount: size, md5: await md5OfFile(file), body: () => createReadStream(file) }
  } catch (cause) {
    throw new StorageRejectedError(`${file}, which was to be stored, can't be read`, { cause })
  }
}

async function uploadOfKnown(
  { file, sha256 }: Required<FileBody>,
  byteCount: number,
): Promise<Upload> {
  if (byteCount > KNOWN_IN_MEMORY_BYTES_MAX) {
    return {
      byteCount,
      sha256,
      body: () => createReadStream(file, { highWaterMark: READ_BYTES }),
    }
  }
  const bytes = await readFile(file)
  return { byteCount: bytes.length, sha256, body: () => bytes }
}

function uploadOf(bytes: Uint8Array): Upload {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const md5 = createHash('md5').update(buffer).digest('base64')
  return { byteCount: buffer.byteLength, md5, body: () => buffer }
}

async function md5OfFile(file: string): Promise<string> {
  const hash = createHash('md5')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return hash.digest('base64')
}
