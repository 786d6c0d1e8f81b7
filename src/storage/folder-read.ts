/** Reading objects of the folder store: only plain files, never through a symbolic link. */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { StorageRejectedError } from '../errors.ts'
import { isAbsence } from './folder-error.ts'

/** A link is refused instead of followed, and nobody waits for a pipe to be written. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Undefined when there is no file; a folder of that name is no object either. The caller closes. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, READ_FLAGS)
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  return undefined
}

/** sha256 of the file at `path`, read in pieces; undefined when there is none. */
export async function etagOf(path: string): Promise<string | undefined> {
  return (await measure(path))?.etag
}

/** Reads the whole file in pieces: its size and sha256. */
export async function measure(
  path: string,
): Promise<{ byteCount: number; etag: string } | undefined> {
  const handle = await openFile(path)
  if (handle === undefined) return undefined
  const hash = createHash('sha256')
  let byteCount = 0
  for await (const chunk of handle.createReadStream() as AsyncIterable<Buffer>) {
    hash.update(chunk)
    byteCount += chunk.byteLength
  }
  return { byteCount, etag: hash.digest('hex') }
}

export async function readWhole(
  path: string,
  { bytesMax, signal }: { bytesMax: number; signal?: AbortSignal },
): Promise<Buffer | undefined> {
  const handle = await openFile(path)
  if (handle === undefined) return undefined
  try {
    const { size } = await handle.stat()
    if (size > bytesMax) {
      throw new StorageRejectedError(`${path} has ${size} bytes, more than the ${bytesMax} allowed`)
    }
    return await handle.readFile({ signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    await handle.close()
  }
}
