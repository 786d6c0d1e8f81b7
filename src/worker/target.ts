/** Before a call is paid: what is at the place where its pictures will go? */
import type { RenderJob } from '../job.ts'
import type { PictureEntry, RenderRecord } from '../record.ts'
import { pictureKey } from '../storage/keys.ts'
import { adopt, ownerOf, taken, type PictureShelf } from './stored-pictures.ts'

export interface Target {
  /** Of the older version that the run is told to keep: then nothing is rendered. */
  kept?: RenderRecord
  /** A picture of this very fingerprint is there: its record may be all that is missing. */
  isOurs: boolean
}

/**
 * Looks at the first key that is expected; the true extension is only known from the bytes, so the check at
 * storing time stands as well. A look-up costs far less than finding out after the call. Throws
 * StorageRejectedError or SupersededError when the place is taken.
 */
export async function lookAtTarget(job: RenderJob, shelf: PictureShelf): Promise<Target> {
  const head = await shelf.store.head(expectedKey(job, 0))
  if (head === undefined) return { isOurs: false }
  const owner = ownerOf(job, head.metadata, shelf)
  if (owner.kind === 'same') return { isOurs: true }
  if (owner.kind === 'older' && job.existing === 'replace') return { isOurs: false }
  if (owner.kind === 'older' && job.existing === 'keep') {
    const { fingerprint } = owner
    const { record } = await shelf.records.look({ fingerprint, run: job.run })
    if (record !== undefined) return { kept: record, isOurs: false }
  }
  throw taken(shelf.store, expectedKey(job, 0), owner)
}

/**
 * All pictures of this very fingerprint, when every one is stored and only the record was lost in a crash. To be
 * asked by the owner of the row alone: to anybody else, a worker between its last picture and its record looks
 * the same.
 */
export async function adoptAll(
  job: RenderJob,
  shelf: PictureShelf,
): Promise<PictureEntry[] | undefined> {
  const keys = Array.from({ length: job.request.n }, (_, index) => expectedKey(job, index))
  for (const key of keys) {
    const head = await shelf.store.head(key)
    if (head === undefined || ownerOf(job, head.metadata, shelf).kind !== 'same') return undefined
    if (job.force === true && head.metadata['run'] !== job.run) return undefined
  }
  const pictures: PictureEntry[] = []
  for (const [index, key] of keys.entries()) pictures.push(await adopt(key, index, shelf))
  return pictures
}

function expectedKey(job: RenderJob, index: number): string {
  const format = job.request.output_format ?? 'png'
  const extension = format === 'jpeg' ? 'jpg' : format
  return pictureKey(job.key, { index, of: job.request.n }, extension)
}
