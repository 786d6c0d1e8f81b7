/** The record behind a row's pictures, or what was put in its place. */
import type { RenderJob } from '../job.ts'
import type { RowResult } from '../queue/ledger.ts'
import type { RenderRecord, SupersededRecord } from '../record.ts'
import type { Store } from '../storage/store.ts'
import { readRecord } from '../storage/stored-record.ts'

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

/** `--existing keep` leaves the pictures of an older version, which are another fingerprint's. */
async function recordAt(key: string | undefined, store: Store): Promise<RenderRecord | undefined> {
  const head = key === undefined ? undefined : await store.head(key)
  const fingerprint = head?.metadata['fingerprint']
  if (fingerprint === undefined) return undefined
  const found = await readRecord(fingerprint, store)
  return found === undefined || 'supersededBy' in found ? undefined : found
}
