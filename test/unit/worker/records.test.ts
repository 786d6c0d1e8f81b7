import { expect, test } from 'vitest'
import type { RenderRecord } from '../../../src/record.ts'
import { readRecord } from '../../../src/report/row-record.ts'
import { recordKey } from '../../../src/storage/keys.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { recordsIn } from '../../../src/worker/records.ts'
import { jobFor, newRun } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'

const JOB = jobFor(newRun(), 0)
const NEWER = jobFor(newRun(), 0, { request: { model: 'gpt-image-2', n: 1, prompt: 'newer' } })
const AT = '2026-11-21T12:00:00.000Z'
const RECORD: RenderRecord = {
  ...JOB,
  inputs: [],
  mask: null,
  markup: null,
  pictures: [
    {
      index: 0,
      key: 'test/row-0.png',
      byteCount: 1,
      width: 1,
      height: 1,
      mediaType: 'image/png',
      sha256: 'a'.repeat(64),
    },
  ],
  previews: [],
  usage: null,
  costUsd: null,
  priceTableDate: null,
  resolved: {},
  server: 'http://api',
  requestId: null,
  timings: { startedAt: AT, finishedAt: AT, requestMs: null },
  attempts: 1,
  calls: 1,
  unknownCalls: 0,
  warnings: [],
}

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
    was: { run: JOB.run, at: AT, operation: 'generate', request: JOB.request, inputs: [] },
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
