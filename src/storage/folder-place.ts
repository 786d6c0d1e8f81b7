/** Puts a finished temporary file and its sidecar into place, under the condition of the put. */
import { etagOf } from './folder-read.ts'
import { lockFile } from './folder-lock.ts'
import { isImplied, writeSidecar, hasSidecar, type Sidecar } from './folder-sidecar.ts'
import { placeAbsent, replace, type Temporary } from './folder-write.ts'
import type { PutOptions } from './store.ts'

export interface Arrival {
  temporary: Temporary
  /** Where it goes. */
  path: string
  sidecar: Sidecar
}

/** True when it is in place now; false when the condition did not hold and nothing was changed. */
export async function place(arrival: Arrival, when: PutOptions['when']): Promise<boolean> {
  if (when === 'absent') return placeIfAbsent(arrival)
  if (when === 'always') return placeAlways(arrival)
  return placeIfSame(arrival, when.etag)
}

/**
 * The sidecar goes first, so that the object is never seen without it. If one lies there for the same bytes
 * (of an earlier object, or of a racing put), it is left to its owner until the object is surely ours.
 */
async function placeIfAbsent(arrival: Arrival): Promise<boolean> {
  const isDescribed = await describe(arrival, 'absent')
  if (!(await placeAbsent(arrival.temporary, arrival.path))) return false
  if (!isDescribed) await describe(arrival, 'always')
  return true
}

async function placeAlways(arrival: Arrival): Promise<true> {
  await describe(arrival, 'always')
  await replace(arrival.temporary, arrival.path)
  return true
}

async function placeIfSame(arrival: Arrival, etag: string): Promise<boolean> {
  const found = await replaceIfSame(arrival, etag)
  return found === 'nothing' ? placeIfAbsent(arrival) : found === 'same'
}

/** What was found; when it was the `same`, it is replaced now. */
async function replaceIfSame(
  arrival: Arrival,
  etag: string,
): Promise<'same' | 'other' | 'nothing'> {
  await using lock = await lockFile(arrival.path)
  const current = await etagOf(arrival.path)
  if (current === undefined) return 'nothing'
  if (current !== etag) return 'other'
  await describe(arrival, 'always')
  await lock.confirm()
  await replace(arrival.temporary, arrival.path)
  return 'same'
}

/** True when what is known beside the bytes, or implied by the name, is ours. */
async function describe(
  { temporary, path, sidecar }: Arrival,
  when: 'absent' | 'always',
): Promise<boolean> {
  const target = { path, sha256: temporary.sha256 }
  const isThere = await hasSidecar(target)
  if (!isThere && isImplied(path, sidecar)) return true
  if (isThere && when === 'absent') return false
  return writeSidecar(target, sidecar, when)
}
