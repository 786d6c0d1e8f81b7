/** Reading and listing objects of the folder store: only plain files, never through a symbolic link. */
import { createHash } from 'node:crypto'
import { constants, type Dirent } from 'node:fs'
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageRejectedError } from '../errors.ts'
import { isAbsence } from './folder-error.ts'
import { existingPathOf } from './folder-root.ts'
import type { ListedObject } from './store.ts'

/** A link is refused instead of followed, and nobody waits for a pipe to be written. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Undefined when there is no file. A folder of that name is refused: no file could come there. The caller closes. */
async function openFile(path: string): Promise<FileHandle | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path, READ_FLAGS)
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
  const stats = await handle.stat()
  if (stats.isFile()) return handle
  await handle.close()
  if (!stats.isDirectory()) return undefined
  throw new StorageRejectedError(`${path} is a folder, so no object can be stored there`)
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

/**
 * Lists a folder as a bucket would be listed: whole keys, ascending by byte order, one folder in memory at a
 * time. Hidden files, symbolic links and anything that is not a file are not objects.
 */
export async function* listFolder(root: string, prefix: string): AsyncIterable<ListedObject> {
  const start = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  // Any name will do: what matters is that the folder it would be in is there and not outside.
  if ((await existingPathOf(root, `${start}any`)) === undefined) return
  yield* walk(root, { at: start, prefix })
}

async function* walk(
  root: string,
  { at, prefix }: { at: string; prefix: string },
): AsyncIterable<ListedObject> {
  for (const name of await namesIn(join(root, at))) {
    const key = at + name
    if (!key.startsWith(prefix)) continue
    if (key.endsWith('/')) {
      yield* walk(root, { at: key, prefix })
    } else {
      yield* sized(root, key)
    }
  }
}

/**
 * Folders carry their `/`, because that is what their keys are compared by: `a-1.png` and `a.png` come
 * before everything in `a/`.
 */
async function namesIn(dir: string): Promise<string[]> {
  const entries = await entriesOf(dir)
  return entries
    .filter((entry) => !entry.name.startsWith('.') && (entry.isFile() || entry.isDirectory()))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

async function entriesOf(dir: string): Promise<Dirent[]> {
  try {
    return await readdir(dir, { withFileTypes: true })
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

/** Nothing, when the file went away since its folder was read. */
async function* sized(root: string, key: string): AsyncIterable<ListedObject> {
  try {
    const { size } = await lstat(join(root, key))
    yield { key, byteCount: size }
  } catch (error) {
    if (!isAbsence(error)) throw error
  }
}
