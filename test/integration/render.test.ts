/** What a second look at a row comes to: reused, rebuilt, replaced, refused. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expectSoundRun, expectTrueRecords } from '../helpers/invariants.ts'
import { allRecords, openPipeline, type Pipeline } from '../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../helpers/queues.ts'

const queue = queueForTests(anySettings)

describe('rendering a manifest again', () => {
  let pipeline: Pipeline
  let count = 0
  beforeEach(async () => {
    count += 1
    pipeline = await openPipeline(queue)
  })
  afterEach(() => pipeline[Symbol.asyncDispose]())

  const csv = (prompt: string, more = '') =>
    `id,prompt,quality\nsku-1,${prompt} ${count},low\n${more}`

  test('the same rows are reused without a call', async () => {
    const first = await pipeline.render(csv('red mug'))
    const again = await pipeline.render(csv('red mug'))

    await expectSoundRun(again, pipeline.store)
    expect(again.run).not.toBe(first.run)
    expect(again.books).toMatchObject({ calls: 0, costMicroUsd: 0, outcomes: { reused: 1 } })
    expect(first.results[0]?.reason).toBe('new')
    expect(again.results[0]).toMatchObject({
      outcome: 'reused',
      reason: 'unchanged',
      keys: ['catalog/sku-1.png'],
    })
    expect(again.calls.calls).toBe(0)
  })

  test('a changed prompt replaces the picture; going back renders the old one again', async () => {
    const first = await pipeline.render(csv('red mug'))
    const changed = await pipeline.render(csv('blue mug'))
    const back = await pipeline.render(csv('red mug'))

    for (const rendered of [first, changed, back]) {
      expect(rendered.calls.calls).toBe(1)
      expect(rendered.books.outcomes.succeeded).toBe(1)
    }
    expect([changed, back].map(({ results }) => results[0]?.reason)).toEqual(['changed', 'changed'])
    await expectSoundRun(back, pipeline.store)
    expect(back.records.get('sku-1')?.fingerprint).toBe(first.records.get('sku-1')?.fingerprint)
  })

  test('a record that was lost is rebuilt from its pictures, for nothing', async () => {
    const manifest = `id,prompt,quality,n\nsku-1,mugs ${count},low,2\n`
    const first = await pipeline.render(manifest)
    await rm(pipeline.dir.join('renders', '_records'), { recursive: true })

    const again = await pipeline.render(manifest)

    await expectSoundRun(again, pipeline.store)
    expect(again.calls.calls).toBe(0)
    expect(again.results[0]?.reason).toBe('record-missing')
    const [before, after] = [first, again].map(({ records }) => records.get('sku-1'))
    expect(after?.pictures).toEqual(before?.pictures)
    expect(after?.costUsd).toBeNull()
    expect(after?.warnings.join()).toContain('rebuilt')
  })

  test('when only one of two pictures is there without a record, the row is called again', async () => {
    const manifest = `id,prompt,quality,n\nsku-1,mugs ${count},low,2\n`
    await pipeline.render(manifest)
    await rm(pipeline.dir.join('renders', '_records'), { recursive: true })
    await rm(pipeline.dir.join('renders', 'catalog', 'sku-1-2.png'))

    const again = await pipeline.render(manifest)

    await expectSoundRun(again, pipeline.store)
    expect(again.calls.calls).toBe(1)
    expect(again.records.get('sku-1')?.pictures).toHaveLength(2)
  })

  test('an object that renderq did not make is not touched, and nothing is paid', async () => {
    await mkdir(pipeline.dir.join('renders', 'catalog'), { recursive: true })
    await writeFile(pipeline.dir.join('renders', 'catalog', 'sku-1.png'), 'by hand')

    const rendered = await pipeline.render(csv('red mug'))

    expect(rendered.calls.calls).toBe(0)
    expect(rendered.results[0]).toMatchObject({
      outcome: 'failed',
      errorCode: 'storage_rejected',
      calls: 0,
    })
    expect(rendered.results[0]?.error).toContain('--name')
    const bytes = await pipeline.store.get('catalog/sku-1.png', { bytesMax: 100 })
    expect(bytes?.toString()).toBe('by hand')
  })

  test('--existing keep leaves the older picture and makes no call', async () => {
    await pipeline.render(csv('red mug'))

    const kept = await pipeline.render(csv('blue mug'), { plan: { existing: 'keep' } })

    expect(kept.calls.calls).toBe(0)
    expect(kept.results[0]).toMatchObject({
      outcome: 'reused',
      reason: 'kept',
      keys: ['catalog/sku-1.png'],
    })
    expect(
      await expectTrueRecords(pipeline.store, (await allRecords(pipeline.store)).values()),
    ).toBe(1)
  })

  test('--existing fail fails the row before anything is paid', async () => {
    await pipeline.render(csv('red mug'))

    const failed = await pipeline.render(csv('blue mug'), { plan: { existing: 'fail' } })

    expect(failed.calls.calls).toBe(0)
    expect(failed.results[0]).toMatchObject({ outcome: 'failed', errorCode: 'storage_rejected' })
    expect(failed.results[0]?.error).toContain('--existing replace')
  })

  test('only the row that is new is called for', async () => {
    await pipeline.render(csv('red mug'))

    const grown = await pipeline.render(csv('red mug', `sku-2,green mug ${count},low\n`))

    await expectSoundRun(grown, pipeline.store)
    expect(grown.calls.calls).toBe(1)
    expect(grown.books.outcomes).toMatchObject({ reused: 1, succeeded: 1 })
  })
})
