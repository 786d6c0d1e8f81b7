import { expect, test } from 'vitest'
import { readRecord } from '../../../src/storage/stored-record.ts'
import { recordKey } from '../../../src/storage/keys.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { recordsIn } from '../../../src/worker/records.ts'
import { jobFor, newRun, recordFor } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'

const JOB = jobFor(newRun(), 0)
const NEWER = jobFor(newRun(), 0, { request: { model: 'gpt-image-2', n: 1, prompt: 'newer' } })
const RECORD = recordFor(JOB)

async function supersededTwice(store: Store) {
  const records = recordsIn(store)
  await records.supersede(JOB.fingerprint, NEWER.fingerprint)
  // As for the second picture of a row, or after a crash in between.
  await records.supersede(JOB.fingerprint, NEWER.fingerprint)
  const { record } = await records.look(JOB)
  return { record, tombstone: await readRecord(JOB.fingerprint, store) }
}

test('a superseded record is found no more, and says what it was', async () => {
  await using dir = await tempDir()
  await using store = await openStore({ kind: 'folder', dir: dir.path })
  await recordsIn(store).commit(RECORD, 'absent')

  const { record, tombstone } = await supersededTwice(store)

  expect(record).toBeUndefined()
  expect(tombstone).toMatchObject({
    supersededBy: NEWER.fingerprint,
    was: {
      run: JOB.run,
      at: RECORD.timings.finishedAt,
      operation: 'generate',
      request: JOB.request,
      inputs: [],
    },
  })
})

test.each([
  ['that is not there', undefined],
  ["that can't be read", Buffer.from('{"version":')],
])('a record %s is superseded all the same, with nothing kept of it', async (_, body) => {
  await using dir = await tempDir()
  await using store = await openStore({ kind: 'folder', dir: dir.path })
  const options = { contentType: 'application/json', when: 'always' } as const
  if (body !== undefined) await store.put(recordKey(JOB.fingerprint), body, options)

  const { tombstone } = await supersededTwice(store)

  expect(tombstone).toMatchObject({ supersededBy: NEWER.fingerprint })
  expect(tombstone).not.toHaveProperty('was')
})
