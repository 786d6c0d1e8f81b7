/** Looking records up, writing them once, and retiring those whose pictures were replaced. */
import { StorageRejectedError, SupersededError } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import {
  previousRenderingOf,
  replacedVersionOf,
  type InputEntry,
  type PreviousRendering,
  type ReplacedVersion,
  type RenderRecord,
  type SupersededRecord,
} from '../record.ts'
import { recordKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { readRecord } from '../storage/stored-record.ts'

const JSON_TYPE = 'application/json'

/** What stands where a record goes. `replaces` is the condition under which a new one may be written there. */
export interface RecordPlace {
  /** Undefined as well where one stands that the job is not to reuse. */
  record: RenderRecord | undefined
  /** Of the one that the job is not to reuse. */
  previous?: PreviousRendering
  replaces: 'absent' | { etag: string }
}

type RecordSubject = Pick<RenderJob, 'fingerprint' | 'run' | 'force' | 'checkInputs'>

/** The input pictures that a row's pictures are made of. */
export type UsedInputs = Pick<RenderRecord, 'inputs' | 'mask' | 'markup'>

export interface Records {
  /** `inputs` are asked for where they decide: what is made of others is then not to be reused. */
  look(
    subject: RecordSubject,
    inputs?: () => UsedInputs | Promise<UsedInputs>,
  ): Promise<RecordPlace>
  /**
   * Writes it where `look` found a place, or returns the one that another worker wrote since: the first one
   * stands. Throws SupersededError when the pictures were replaced since by a newer version of the row.
   */
  commit(record: RenderRecord, replaces: RecordPlace['replaces']): Promise<RenderRecord>
  /** Before pictures of `fingerprint` are overwritten: its record must not be found any more. */
  supersede(fingerprint: string, by: string): Promise<void>
}

export function recordsIn(store: Store): Records {
  const read = (fingerprint: string) => readRecord(fingerprint, store)

  /** Of a record that can't be read nothing is kept: it must go all the same. */
  async function versionAt(fingerprint: string): Promise<ReplacedVersion | undefined> {
    const found = await read(fingerprint).catch((error: unknown) => {
      if (error instanceof StorageRejectedError) return undefined
      throw error
    })
    if (found === undefined) return undefined
    return 'supersededBy' in found ? found.was : replacedVersionOf(found)
  }

  return {
    async look(subject, inputs) {
      const { fingerprint } = subject
      const found = await read(fingerprint)
      if (found === undefined) return { record: undefined, replaces: 'absent' }
      const standing = 'supersededBy' in found ? undefined : found
      if (standing !== undefined && (await isReusable(standing, subject, inputs))) {
        return { record: standing, replaces: 'absent' }
      }
      const head = await store.head(recordKey(fingerprint))
      return {
        record: undefined,
        ...(standing === undefined ? {} : { previous: previousRenderingOf(standing) }),
        replaces: head === undefined ? 'absent' : { etag: head.etag },
      }
    },

    async commit(record, replaces) {
      const body = Buffer.from(JSON.stringify(record, null, 2))
      const options = { contentType: JSON_TYPE, when: replaces }
      const put = await store.put(recordKey(record.fingerprint), body, options)
      if (put.kind === 'stored') return record
      const first = await read(record.fingerprint)
      if (first !== undefined && !('supersededBy' in first)) return first
      throw new SupersededError('a newer version of this row replaced its pictures meanwhile')
    },

    async supersede(fingerprint, by) {
      const was = await versionAt(fingerprint)
      const tombstone: SupersededRecord = {
        version: 1,
        fingerprint,
        supersededBy: by,
        at: new Date().toISOString(),
        ...(was === undefined ? {} : { was }),
      }
      const body = Buffer.from(JSON.stringify(tombstone))
      await store.put(recordKey(fingerprint), body, { contentType: JSON_TYPE, when: 'always' })
    },
  }
}

async function isReusable(
  record: RenderRecord,
  { run, force, checkInputs }: RecordSubject,
  inputs: Parameters<Records['look']>[1],
): Promise<boolean> {
  if (record.run === run) return true
  if (force === true) return false
  if (checkInputs !== true || inputs === undefined) return true
  return digestsIn(record) === digestsIn(await inputs())
}

/** A reference, which nobody here has seen, has none in either. */
function digestsIn({ inputs, mask, markup }: UsedInputs): string {
  const digestOf = (input: InputEntry | null) => input?.sha256 ?? null
  return JSON.stringify([inputs.map(digestOf), digestOf(mask), digestOf(markup)])
}
