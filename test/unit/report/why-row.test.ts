import { expect, test } from 'vitest'
import type { RenderJob, RunId } from '../../../src/job.ts'
import type { RenderRecord } from '../../../src/record.ts'
import type { RowDetails } from '../../../src/report/show-row.ts'
import { whyRow } from '../../../src/report/why-row.ts'
import type { Store } from '../../../src/storage/store.ts'
import { jobFor, newRun, recordFor, resultFor } from '../../helpers/jobs.ts'

const EARLIER = newRun()
const NOW = newRun()
const STORE = {} as Store
const URL = { kind: 'url', url: 'https://shop.example/mug.png' } as const
const AT = '2026-11-21T12:00:00.000Z'

const sent = (sha256: string | null, source: string = URL.url) => ({
  source,
  sha256,
  byteCount: sha256 === null ? null : 1,
  mediaType: sha256 === null ? null : 'image/png',
})
const BEFORE = sent('a'.repeat(64))
const AFTER = sent('b'.repeat(64))

async function why(
  changes: Partial<RenderJob>,
  {
    outcome = 'reused',
    ...recorded
  }: Partial<RenderRecord> & { outcome?: RowDetails['outcome']; run: RunId },
) {
  const job = jobFor(NOW, 0, { images: [URL], ...changes })
  const record = recordFor(job, { pictures: [], ...recorded })
  const ended = outcome === null ? undefined : resultFor(job, { outcome })
  const details = { run: NOW, planned: { job, columns: {} }, record, outcome, result: ended }
  const { sentences, changes: differences } = await whyRow(details as unknown as RowDetails, STORE)
  return { sentences, differences }
}

test('a reused row does not claim that bytes are the same which nobody looked at', async () => {
  const { sentences } = await why({}, { run: EARLIER, inputs: [BEFORE] })

  expect(sentences.slice(1)).toEqual([
    'id, operation and request are the same',
    'input picture 1: the URL is the same; its bytes were not looked at (--check-inputs does)',
  ])
})

test('a row that was checked says so, and of which picture only the API knows', async () => {
  const reference = { kind: 'image-url', url: 'https://shop.example/tray.png' } as const
  const { sentences } = await why(
    { checkInputs: true, images: [URL, reference], mask: URL },
    { run: EARLIER, inputs: [BEFORE, sent(null, reference.url)] },
  )

  expect(sentences.slice(1)).toEqual([
    'id, operation and request are the same',
    'input picture 1, mask: the bytes behind the URL are the same, they were looked at',
    'input picture 2: the URL is the same; only the API sees its bytes',
  ])
})

test('pictures that can only be the same are said to be', async () => {
  const file = { kind: 'file', fileId: 'file-9f2c' } as const
  const { sentences } = await why({ images: [file] }, { run: EARLIER, inputs: [] })

  expect(sentences[1]).toContain('id, operation, request and input pictures are the same')
})

test('a row that was rendered again for a changed picture says which one', async () => {
  const previous = { run: EARLIER, at: AT, inputs: [BEFORE], mask: null, markup: null }
  const { sentences, differences } = await why(
    { checkInputs: true },
    { outcome: 'succeeded', run: NOW, inputs: [AFTER], previous },
  )

  expect(sentences).toEqual([
    `rendered again: --check-inputs found other input pictures since ${EARLIER} rendered it on 2026-11-21 12:00 UTC`,
    'input picture 1 changed: its bytes are others behind the same URL',
  ])
  expect(differences).toEqual([
    {
      what: 'input picture 1',
      was: `${URL.url} (sha256 aaaaaaaaaaaa…)`,
      is: `${URL.url} (sha256 bbbbbbbbbbbb…)`,
    },
  ])
})

test('where a record did not know its input pictures, none is said to have changed', async () => {
  const previous = { run: EARLIER, at: AT, inputs: [], mask: null, markup: null }
  const { sentences } = await why(
    { checkInputs: true },
    { outcome: 'succeeded', run: NOW, inputs: [AFTER], previous },
  )

  expect(sentences[1]).toBe('input picture 1: its record does not say of which bytes it was made')
})

test.each([
  [{}, {}, 'the row was new'],
  [{ force: true } as const, {}, '--force asked for it'],
  [{}, { calls: 0 }, 'only their record was missing'],
])('a job with %j and a record with %j: %s', async (changes, recorded, sentence) => {
  const { sentences } = await why(changes, { outcome: 'succeeded', run: NOW, ...recorded })

  expect(sentences.join()).toContain(sentence)
})

test.each([
  [{}, EARLIER, 'it needs no call: its pictures are there'],
  [{ checkInputs: true } as const, EARLIER, 'no call unless its input pictures have changed'],
  [{ checkInputs: true } as const, NOW, 'it needs no call: its pictures are there'],
  [{ force: true } as const, EARLIER, 'waiting, or being rendered'],
])('a row with %j that has not ended, while %s has a record: %s', async (changes, run, text) => {
  const { sentences } = await why(changes, { outcome: null, run })

  expect(sentences.join()).toContain(text)
})
