/** What the store holds in the place of a row's record. */
import { StorageRejectedError } from '../errors.ts'
import { StoredRecord } from '../record.ts'
import { recordKey } from './keys.ts'
import type { Store } from './store.ts'

/** A record is a few kilobytes; a prompt may add 32,000 characters. */
const RECORD_BYTES_MAX = 1_048_576

/** Throws StorageRejectedError where something else stands there. */
export async function readRecord(
  fingerprint: string,
  store: Store,
): Promise<StoredRecord | undefined> {
  const key = recordKey(fingerprint)
  const bytes = await store.get(key, { bytesMax: RECORD_BYTES_MAX })
  if (bytes === undefined) return undefined
  try {
    return StoredRecord.parse(JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw new StorageRejectedError(
      `the record ${store.locationOf(key)} can't be read: restore it, or delete it to have the row rendered again`,
      { cause },
    )
  }
}
