/** What the API takes since its newest models, from a manifest to what lies in the store. */
import { cp, mkdir, readFile } from 'node:fs/promises'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expectSoundRun } from '../helpers/invariants.ts'
import { openPipeline, type Pipeline } from '../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../helpers/queues.ts'

const queue = queueForTests(anySettings)

describe('a run with the newest parameters', () => {
  let pipeline: Pipeline
  beforeEach(async () => {
    pipeline = await openPipeline(queue)
    await cp('jobs/pictures', pipeline.dir.join('pictures'), { recursive: true })
  })
  afterEach(() => pipeline[Symbol.asyncDispose]())

  test('renders the example, and keeps partial pictures when asked', async () => {
    const manifest = await readFile('jobs/newest.jsonl', 'utf8')

    const rendered = await pipeline.render(manifest, {
      name: 'newest.jsonl',
      plan: { keepPartials: true },
    })

    await expectSoundRun(rendered, pipeline.store)
    expect(rendered.books).toMatchObject({ calls: 5, outcomes: { succeeded: 5 } })
    const recordOf = (id: string) => rendered.records.get(id)!
    expect(recordOf('kettle-preview').previews.map(({ key }) => key)).toEqual([
      'newest/kettle-preview.partial-1.png',
      'newest/kettle-preview.partial-2.png',
    ])
    expect(recordOf('kettle-turning').pictures).toMatchObject([{ mediaType: 'image/gif' }])
    expect(recordOf('kettle-icon')).toMatchObject({
      pictures: [{ mediaType: 'image/svg+xml' }],
      costUsd: null,
    })
    expect(recordOf('mug-star').markup).toMatchObject({ mediaType: 'image/png' })
    // As JSON and as a stream at once.
    expect(recordOf('mug-night')).toMatchObject({
      request: { moderation: 'low', stream: true },
      previews: [],
    })
  })

  test('lays a markup over a photo as it is shown', async () => {
    await mkdir(pipeline.dir.join('photos'))
    const draw = (width: number, height: number, background: string) =>
      sharp({ create: { width, height, channels: 4, background } })
    await draw(64, 96, '#0a0')
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toFile(pipeline.dir.join('photos', 'turned.jpg'))
    await draw(96, 64, '#f008').png().toFile(pipeline.dir.join('photos', 'marks.png'))

    const { books, records } = await pipeline.render(
      'id,prompt,model,image,markup,quality\na,x,gpt-image-2.5-flare,photos/turned.jpg,photos/marks.png,low\n',
    )

    expect(books.outcomes).toMatchObject({ succeeded: 1 })
    expect(records.get('a')?.inputs).toMatchObject([{ mediaType: 'image/jpeg' }])
  })
})
