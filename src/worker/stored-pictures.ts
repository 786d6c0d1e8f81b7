/**
 * Putting a row's pictures where they belong, without ever overwriting what is not this row's: an object of
 * the same fingerprint is adopted, one of an older version of the row is replaced, anything else is refused.
 */
import { createHash } from 'node:crypto'
import { messageOf, StorageRejectedError, SupersededError, type RenderError } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import { inspectPicture } from '../picture.ts'
import type { PictureEntry } from '../record.ts'
import { pictureKey, previewKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import type { Records } from './records.ts'
import type { SpooledPicture } from './spooled-answer.ts'

export interface PictureShelf {
  store: Store
  records: Records
  imageBytesMax: number
  /** When the run was entered, unix ms: of two versions of a row, the one of the later run stands. */
  enteredAt: number
}

/** Lost races end after a few rounds; each round means another worker just wrote this very key. */
const ROUNDS_MAX = 5

export async function storePictures(
  job: RenderJob,
  pictures: readonly SpooledPicture[],
  shelf: PictureShelf,
): Promise<PictureEntry[]> {
  const entries: PictureEntry[] = []
  for (const picture of pictures) {
    const { index, extension } = picture
    const key = pictureKey(job.key, { index, of: job.request.n }, extension)
    entries.push(await storePicture({ job, key, picture }, shelf))
  }
  return entries
}

/** Partial pictures are an extra: one whose place is taken costs a warning, not the row. */
export async function storePreviews(
  job: RenderJob,
  previews: readonly SpooledPicture[],
  shelf: PictureShelf,
): Promise<{ previews: PictureEntry[]; warnings: string[] }> {
  const entries: PictureEntry[] = []
  const warnings: string[] = []
  for (const picture of previews) {
    const key = previewKey(job.key, picture.index, picture.extension)
    try {
      entries.push(await storePicture({ job, key, picture }, shelf))
    } catch (error) {
      const isTaken = error instanceof StorageRejectedError || error instanceof SupersededError
      if (!isTaken) throw error
      warnings.push(`partial picture ${picture.index + 1} is not kept: ${error.message}`)
    }
  }
  return { previews: entries, warnings }
}

async function storePicture(
  { job, key, picture }: { job: RenderJob; key: string; picture: SpooledPicture },
  shelf: PictureShelf,
): Promise<PictureEntry> {
  const metadata = metadataOf(job, picture, shelf.enteredAt)
  const body = { file: picture.file, sha256: picture.sha256 }
  const options = { contentType: picture.mediaType, metadata }
  let when: 'absent' | { etag: string } = 'absent'
  let replaced: string | undefined
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const put = await shelf.store.put(key, body, { ...options, when })
    if (put.kind === 'stored') {
      return { ...entryOf(picture, key), ...(replaced === undefined ? {} : { replaced }) }
    }
    const found = ownerOf(job, put.metadata, shelf)
    if (found.kind === 'same') {
      if (job.force !== true || put.metadata['run'] === job.run) {
        return adopt(key, picture.index, shelf)
      }
      when = { etag: put.etag }
      continue
    }
    if (found.kind !== 'older' || job.existing !== 'replace') throw taken(shelf.store, key, found)
    // First the old record: if we die in between, the old request is rendered again, never shown wrongly.
    await shelf.records.supersede(found.fingerprint, job.fingerprint)
    replaced = found.fingerprint
    when = { etag: put.etag }
  }
  throw new StorageRejectedError(
    `${shelf.store.locationOf(key)} is being written by others all the time`,
  )
}

export type KeyOwner =
  | { kind: 'same' }
  | { kind: 'older'; fingerprint: string }
  | { kind: 'newer' }
  | { kind: 'foreign' }

/** Whose picture an object is, by the metadata that we put on it. */
export function ownerOf(
  job: RenderJob,
  metadata: Readonly<Record<string, string>>,
  { enteredAt }: Pick<PictureShelf, 'enteredAt'>,
): KeyOwner {
  const { fingerprint, row, entered } = metadata
  if (fingerprint === undefined || row !== rowName(job)) return { kind: 'foreign' }
  if (fingerprint === job.fingerprint) return { kind: 'same' }
  return Number(entered) > enteredAt ? { kind: 'newer' } : { kind: 'older', fingerprint }
}

export function taken(store: Store, key: string, owner: KeyOwner): RenderError {
  const where = store.locationOf(key)
  if (owner.kind === 'newer') {
    return new SupersededError(`${where} holds a version of this row that a later run rendered`)
  }
  return new StorageRejectedError(
    owner.kind === 'foreign'
      ? `${where} is taken by something that this row did not make: move it, or choose another --name`
      : `${where} holds an older version of this row: allow --existing replace, or choose another --name`,
  )
}

function metadataOf(
  job: RenderJob,
  picture: SpooledPicture,
  enteredAt: number,
): Record<string, string> {
  return {
    run: job.run,
    entered: String(enteredAt),
    row: rowName(job),
    index: String(picture.index),
    fingerprint: job.fingerprint,
    sha256: picture.sha256,
  }
}

/** Metadata is ASCII and small: the id as it would stand in a URL, a long one by its digest. */
function rowName({ id }: RenderJob): string {
  const encoded = encodeURIComponent(id.toWellFormed())
  return encoded.length <= 512 ? encoded : `sha256:${createHash('sha256').update(id).digest('hex')}`
}

function entryOf(
  { index, byteCount, width, height, mediaType, sha256, revisedPrompt }: SpooledPicture,
  key: string,
): PictureEntry {
  const entry = { index, key, byteCount, width, height, mediaType, sha256 }
  return revisedPrompt === undefined ? entry : { ...entry, revisedPrompt }
}

/** Another worker stored this row's picture first. The record must describe what is there, so it is read back. */
export async function adopt(
  key: string,
  index: number,
  { store, imageBytesMax }: PictureShelf,
): Promise<PictureEntry> {
  const bytes = await store.get(key, { bytesMax: imageBytesMax })
  if (bytes === undefined) throw new StorageRejectedError(`${store.locationOf(key)} vanished`)
  const { width, height, mediaType } = await inspectPicture(bytes).catch((cause: unknown) => {
    throw new StorageRejectedError(`${store.locationOf(key)}: ${messageOf(cause)}`, { cause })
  })
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { index, key, byteCount: bytes.length, width, height, mediaType, sha256 }
}
