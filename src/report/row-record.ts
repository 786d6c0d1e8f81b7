/** The record behind a row's pictures, or what was put in its place. */
import { StorageRejectedError } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import type { RowResult } from '../queue/ledger.ts'
import { StoredRecord, type RenderRecord, type SupersededRecord } from '../record.ts'
import { recordKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

const RECORD_BYTES_MAX = 1_048_576

export interface RowRecord {
  /** Of the pictures that the row has: rendered by this run or by another one. */
  record?: RenderRecord
  /** Stands where the record stood: a newer version of the row has replaced its pictures. */
  superseded?: SupersededRecord
}

export async function rowRecord(
  job: RenderJob,
  { result, store }: { result: RowResult | undefined; store: Store },
): Promise<RowRecord> {
  const found = await readRecord(job.fingerprint, store)
  if (found !== undefined && 'supersededBy' in found) return { superseded: found }
  if (found !== undefined) return { record: found }
  const kept = result?.outcome === 'reused' ? await recordAt(result.keys[0], store) : undefined
  return kept === undefined ? {} : { record: kept }
}

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
    throw new StorageRejectedError(`the record ${store.locationOf(key)} can't be read`, { cause })
  }
}

/** `--existing keep` leaves the pictures of an older version, which are another fingerprint's. */
async function recordAt(key: string | undefined, store: Store): Promise<RenderRecord | undefined> {
  const head = key === undefined ? undefined : await store.head(key)
  const fingerprint = head?.metadata['fingerprint']
  if (fingerprint === undefined) return undefined
  const found = await readRecord(fingerprint, store)
  return found === undefined || 'supersededBy' in found ? undefined : found
}
