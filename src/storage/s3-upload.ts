/** Bodies for PutObject: their length and MD5 known before the first byte is sent. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { StorageRejectedError } from '../errors.ts'
import type { PutBody } from './store.ts'

/**
 * Up to here a file is read whole, because the SDK repeats a put only from memory. Pictures and records are
 * below it; only the result files of very large runs are above, and are left to the caller to repeat.
 */
const IN_MEMORY_BYTES_MAX = 64 * 1024 * 1024

export interface Upload {
  byteCount: number
  /** Base64, as Content-MD5 wants it: the one checksum that servers of every age verify. */
  md5: string
  /** Called once per request. */
  body(): Buffer | Readable
}

export async function openUpload(body: PutBody): Promise<Upload> {
  if (body instanceof Uint8Array) return uploadOf(body)
  const { file } = body
  try {
    const { size } = await stat(file)
    if (size <= IN_MEMORY_BYTES_MAX) return uploadOf(await readFile(file))
    return { byteCount: size, md5: await md5OfFile(file), body: () => createReadStream(file) }
  } catch (cause) {
    throw new StorageRejectedError(`${file}, which was to be stored, can't be read`, { cause })
  }
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
