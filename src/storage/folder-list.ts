/** Lists a folder as a bucket would be listed: whole keys, ascending by byte order, one folder in memory at a time. */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsence } from './folder-error.ts'
import { existingPathOf } from './folder-root.ts'
import type { ListedObject } from './store.ts'

/** Hidden files, symbolic links and anything that is not a file are not objects. */
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
