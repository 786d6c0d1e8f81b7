/**
 * The store in a folder: one file per object, at the path its key says, as people expect to find it.
 * Several processes of one machine may share it. The etag is the sha256 of the bytes, computed when asked
 * for, so a file that was edited by hand never passes for the one that was stored.
 */
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StorageRejectedError, StorageUnavailableError } from '../errors.ts'
import { toStorageError } from './folder-error.ts'
import { place } from './folder-place.ts'
import { listFolder, measure, readWhole } from './folder-read.ts'
import { existingPathOf, preparedPathOf } from './folder-root.ts'
import { impliedSidecar, readSidecar } from './folder-sidecar.ts'
import { kindOf, writeTemporary } from './folder-write.ts'
import { assertMetadata } from './metadata.ts'
import type { ListedObject, ObjectHead, PutBody, PutOptions, PutResult, Store } from './store.ts'

/** An object that vanishes between two looks is looked for again, but not for ever. */
const LOOKS_MAX = 5

export class FolderStore implements Store {
  readonly url: string
  readonly conditionalWrites = true
  readonly #root: string

  /** Touches nothing: the folder is made by the first put. */
  constructor(dir: string) {
    this.#root = dir
    this.url = `file:${dir}`
  }

  async put(key: string, body: PutBody, options: PutOptions): Promise<PutResult> {
    assertMetadata(options.metadata ?? {})
    return this.#guarded(key, async () => {
      const path = await preparedPathOf(this.#root, key)
      for (let look = 0; look < LOOKS_MAX; look += 1) {
        const etag = await tryPut(path, body, options)
        if (etag !== undefined) return { kind: 'stored', etag }
        const there = await headOf(path)
        if (there !== undefined) {
          return { kind: 'exists', etag: there.etag, metadata: there.metadata }
        }
      }
      throw new StorageUnavailableError(
        `${path} comes and goes: something else changes this folder`,
      )
    })
  }

  get(
    key: string,
    options: { bytesMax: number; signal?: AbortSignal },
  ): Promise<Buffer | undefined> {
    return this.#guarded(key, async () => {
      options.signal?.throwIfAborted()
      const path = await existingPathOf(this.#root, key)
      return path === undefined ? undefined : readWhole(path, options)
    })
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#guarded(key, async () => {
      const path = await existingPathOf(this.#root, key)
      return path === undefined ? undefined : headOf(path)
    })
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    try {
      yield* listFolder(this.#root, prefix)
    } catch (error) {
      throw toStorageError(error, this.locationOf(prefix))
    }
  }

  async probe(): Promise<void> {
    // Of a .txt the name says everything, so no sidecar is left behind.
    const key = `_probe-${randomUUID()}.txt`
    const bytes = Buffer.from('written by renderq to see that it can; safe to delete')
    await this.put(key, bytes, { contentType: 'text/plain', when: 'absent' })
    const read = await this.get(key, { bytesMax: bytes.byteLength })
    await this.#guarded(key, () => rm(this.locationOf(key), { force: true }))
    if (read === undefined || !bytes.equals(read)) {
      throw new StorageRejectedError(`${this.#root} does not give back what was written to it`)
    }
  }

  locationOf(key: string): string {
    return join(this.#root, key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing stays open between calls.
  }

  async #guarded<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw toStorageError(error, this.locationOf(key))
    }
  }
}

/** The etag when it was stored; undefined when the condition did not hold. */
async function tryPut(
  path: string,
  body: PutBody,
  { contentType, metadata = {}, when }: PutOptions,
): Promise<string | undefined> {
  const kind = await kindOf(path)
  if (kind === 'folder') {
    throw new StorageRejectedError(`${path} is a folder, so no object can be stored there`)
  }
  // Saves writing a whole picture only to find its name taken; link() still decides.
  if (kind !== 'absent' && when === 'absent') return undefined
  await using temporary = await writeTemporary(dirname(path), body)
  const isOurs = await place({ temporary, path, sidecar: { contentType, metadata } }, when)
  return isOurs ? temporary.sha256 : undefined
}

async function headOf(path: string): Promise<ObjectHead | undefined> {
  const measured = await measure(path)
  if (measured === undefined) return undefined
  const sidecar = await readSidecar({ path, sha256: measured.etag })
  return { ...measured, ...(sidecar ?? impliedSidecar(path)) }
}
