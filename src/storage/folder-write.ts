/**
 * Files appear whole or not at all: bytes go to a temporary file beside the target, which then gets its
 * name in one step.
 */
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { link, lstat, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FileChangedError, StorageRejectedError } from '../errors.ts'
import { codeOf } from './folder-error.ts'
import { lockFile } from './folder-lock.ts'
import { syncDir } from './folder-root.ts'
import type { PutBody } from './store.ts'

/** Disposing removes the file if it still has its temporary name. */
export interface Temporary extends AsyncDisposable {
  path: string
  sha256: string
}

/**
 * Writes `body` into a hidden file in `dir`, down to the disk. Only a killed process leaves one behind; its
 * name tells the process.
 */
export async function writeTemporary(dir: string, body: PutBody): Promise<Temporary> {
  const path = join(dir, `.tmp-${process.pid}-${randomBytes(8).toString('hex')}`)
  const remove = () => rm(path, { force: true })
  try {
    return { path, sha256: await writeHashed(path, body), [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function writeHashed(path: string, body: PutBody): Promise<string> {
  const hash = createHash('sha256')
  const handle = await open(path, 'wx')
  try {
    for await (const chunk of chunksOf(body)) {
      hash.update(chunk)
      await handle.writeFile(chunk)
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
  const sha256 = hash.digest('hex')
  if ('sha256' in body && body.sha256 !== sha256) throw new FileChangedError(body.file)
  return sha256
}

async function* chunksOf(body: PutBody): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) {
    yield body
    return
  }
  try {
    yield* createReadStream(body.file) as AsyncIterable<Buffer>
  } catch (cause) {
    throw new StorageRejectedError(`${body.file}, which was to be stored, can't be read`, { cause })
  }
}

/** Gives the temporary file its name, replacing what is there. */
export async function replace(temporary: Temporary, target: string): Promise<void> {
  await rename(temporary.path, target)
  await syncDir(dirname(target))
}

/** Gives the temporary file its name unless something has it; atomic. */
export async function placeAbsent(temporary: Temporary, target: string): Promise<boolean> {
  try {
    // link() fails when the target exists, where rename() would replace it without a word.
    await link(temporary.path, target)
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error
    return placeAbsentWithoutLinks(temporary, target)
  }
  await syncDir(dirname(target))
  return true
}

/** For file systems without hard links (exFAT, some network mounts): atomic among renderqs, by a lock. */
async function placeAbsentWithoutLinks(temporary: Temporary, target: string): Promise<boolean> {
  await using lock = await lockFile(target)
  if ((await kindOf(target)) !== 'absent') return false
  await lock.confirm()
  await replace(temporary, target)
  return true
}

export async function kindOf(path: string): Promise<'absent' | 'folder' | 'other'> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other'
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'absent'
    throw error
  }
}
