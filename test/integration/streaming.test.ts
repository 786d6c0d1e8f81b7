/** Rows that are streamed: previews beside the result, never in its place. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { expectSoundRun, expectTrueRecords } from '../helpers/invariants.ts'
import { openPipeline, type Pipeline } from '../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../helpers/queues.ts'

const queue = queueForTests(anySettings)
let pipeline: Pipeline
beforeEach(async () => {
  pipeline = await openPipeline(queue)
})
afterEach(() => pipeline[Symbol.asyncDispose]())

const csv = (id: string) =>
  `id,prompt,quality,stream,partial_images\n${id},a mug for ${id},low,true,3\n`
const keys = async () => {
  const found: string[] = []
  for await (const { key } of pipeline.store.list('catalog/')) found.push(key)
  return found.toSorted()
}

test('partial pictures are kept beside the result where they are wanted', async () => {
  const rendered = await pipeline.render(csv('kept'), { plan: { keepPartials: true } })

  await expectSoundRun(rendered, pipeline.store)
  await expectTrueRecords(pipeline.store, rendered.records.values())
  expect(await keys()).toEqual([
    'catalog/kept.partial-1.png',
    'catalog/kept.partial-2.png',
    'catalog/kept.partial-3.png',
    'catalog/kept.png',
  ])
  const record = rendered.records.get('kept')
  expect(record?.pictures).toHaveLength(1)
  expect(record?.previews.map(({ key }) => key)).toEqual((await keys()).slice(0, 3))
  // A preview costs a hundred tokens.
  expect(record?.usage).toMatchObject({ output_tokens: expect.any(Number) })
  expect(rendered.books.pictures).toBe(1)
})

test('and leave nothing where they are not', async () => {
  const rendered = await pipeline.render(csv('dropped'))

  await expectSoundRun(rendered, pipeline.store)
  expect(await keys()).toEqual(['catalog/dropped.png'])
  expect(rendered.records.get('dropped')?.previews).toEqual([])
})

test.each([
  ['an error', { kind: 'stream_error', afterPartials: 2, paid: true }],
  ['no result', { kind: 'empty_data' }],
  ['a cut', { kind: 'cut_body', framing: 'chunked', share: 0.9 }],
] as const)(
  'a stream that ends with %s is a call of unknown outcome; its previews are no result',
  async (_, fault) => {
    const rendered = await pipeline.render(csv(`lost-${fault.kind}`), {
      plan: { keepPartials: true },
      faults: [{ times: 1, fault }],
    })

    await expectSoundRun(rendered, pipeline.store)
    expect(rendered.books).toMatchObject({ calls: 2, unknownCalls: 1, outcomes: { succeeded: 1 } })
    expect(await keys()).toHaveLength(4)
  },
)

test.each([
  { lineEnd: 'crlf', comments: true },
  { lineEnd: 'cr', byteOrderMark: true },
  { space: false, eventLines: false, keyOrder: 'alphabetical', done: true },
] as const)('a stream in another dress is the same: %o', async (dress) => {
  const rendered = await pipeline.render(csv(`dress-${dress.lineEnd ?? 'plain'}`), {
    plan: { keepPartials: true },
    faults: [{ fault: { kind: 'stream_framing', ...dress } }],
  })

  await expectSoundRun(rendered, pipeline.store)
  expect(rendered.books).toMatchObject({ calls: 1, unknownCalls: 0 })
  expect(await keys()).toHaveLength(4)
})

test('--force renders a row again although its record is there, and once is enough', async () => {
  const first = await pipeline.render(csv('again'))
  const forced = await pipeline.render(csv('again'), { plan: { force: true } })
  const after = await pipeline.render(csv('again'))

  expect(forced.books).toMatchObject({ calls: 1, outcomes: { succeeded: 1 } })
  expect(forced.results[0]?.reason).toBe('forced')
  const [before, now] = [first, forced].map(({ records }) => records.get('again'))
  expect(now?.fingerprint).toBe(before?.fingerprint)
  expect([before?.run, now?.run]).toEqual([first.run, forced.run])
  await expectTrueRecords(pipeline.store, forced.records.values())
  expect(after.books).toMatchObject({ calls: 0, outcomes: { reused: 1 } })
})
