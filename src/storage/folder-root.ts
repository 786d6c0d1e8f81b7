/**
 * From keys to paths, never outside the root: keys are made by keys.ts, and still nothing here trusts
 * them or the symbolic links a person may have put into the folder.
 */
import { mkdir, open, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative } from 'node:path'
import { StorageRejectedError } from '../errors.ts'
import { codeOf, isAbsence } from './folder-error.ts'

/** The path of `key` under `root`. Refuses keys that would leave it or meet the store's own hidden files. */
function pathOf(root: string, key: string): string {
  if (/[\0\\]/.test(key) || /(^|\/)(\.|\/|$)/.test(key)) {
    throw new StorageRejectedError(`${JSON.stringify(key)} is not a key of ${root}`)
  }
  return join(root, key)
}

/** The path of `key` for reading; undefined when not even its folder is there. */
export async function existingPathOf(root: string, key: string): Promise<string | undefined> {
  const path = pathOf(root, key)
  try {
    await refuseOutside(root, dirname(path))
    return path
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** The path of `key` for writing: the folders above it are there afterwards. */
export async function preparedPathOf(root: string, key: string): Promise<string> {
  const path = pathOf(root, key)
  await mkdir(root, { recursive: true })
  await makeInside(root, dirname(path))
  return path
}

/** Makes one level at a time, so that no folder is ever made behind a link that leads outside. */
async function makeInside(root: string, dir: string): Promise<void> {
  try {
    await refuseOutside(root, dir)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await makeInside(root, dirname(dir))
    await makeDir(dir)
  }
}

export async function makeDir(dir: string): Promise<void> {
  try {
    await mkdir(dir)
    await syncDir(dirname(dir))
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

async function refuseOutside(root: string, dir: string): Promise<void> {
  const inside = relative(await realpath(root), await realpath(dir))
  if (inside.split(/[/\\]/)[0] === '..' || isAbsolute(inside)) {
    throw new StorageRejectedError(`${dir} leads outside ${root}: remove the symbolic link`)
  }
}

/** A new name in a folder survives a power cut only once the folder itself is on disk. */
export async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems (and Windows) can't sync folders; they offer nothing better.
    if (!['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}
