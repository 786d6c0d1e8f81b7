/** Looking records up, writing them once, and retiring those whose pictures were replaced. */
import { z } from 'zod'
import { StorageRejectedError } from '../errors.ts'
import { RenderRecord, SupersededRecord } from '../record.ts'
import { recordKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

/** A record is a few kilobytes; a prompt may add 32,000 characters. */
const RECORD_BYTES_MAX = 1_048_576

const JSON_TYPE = 'application/json'

export interface Records {
  /** The record of this fingerprint, unless its pictures were replaced since. */
  find(fingerprint: string): Promise<RenderRecord | undefined>
  /** Writes it, or returns the one that another worker wrote first: the first one stands. */
  commit(record: RenderRecord): Promise<RenderRecord>
  /** Before pictures of `fingerprint` are overwritten: its record must not be found any more. */
  supersede(fingerprint: string, by: string): Promise<void>
}

export function recordsIn(store: Store): Records {
  async function read(fingerprint: string): Promise<RenderRecord | SupersededRecord | undefined> {
    const key = recordKey(fingerprint)
    const bytes = await store.get(key, { bytesMax: RECORD_BYTES_MAX })
    return bytes === undefined ? undefined : parseRecord(bytes, store.locationOf(key))
  }

  async function find(fingerprint: string): Promise<RenderRecord | undefined> {
    const record = await read(fingerprint)
    return record === undefined || 'supersededBy' in record ? undefined : record
  }

  return {
    find,

    async commit(record) {
      const key = recordKey(record.fingerprint)
      const body = Buffer.from(JSON.stringify(record, null, 2))
      const put = await store.put(key, body, { contentType: JSON_TYPE, when: 'absent' })
      if (put.kind === 'stored') return record
      const first = await find(record.fingerprint)
      if (first !== undefined) return first
      const again = await store.put(key, body, { contentType: JSON_TYPE, when: { etag: put.etag } })
      if (again.kind === 'stored') return record
      return (await find(record.fingerprint)) ?? record
    },

    async supersede(fingerprint, by) {
      const tombstone: SupersededRecord = {
        version: 1,
        fingerprint,
        supersededBy: by,
        at: new Date().toISOString(),
      }
      const body = Buffer.from(JSON.stringify(tombstone))
      await store.put(recordKey(fingerprint), body, { contentType: JSON_TYPE, when: 'always' })
    },
  }
}

function parseRecord(bytes: Buffer, location: string): RenderRecord | SupersededRecord {
  try {
    return z.union([RenderRecord, SupersededRecord]).parse(JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw new StorageRejectedError(
      `the record ${location} can't be read: restore it, or delete it to have the row rendered again`,
      { cause },
    )
  }
}
