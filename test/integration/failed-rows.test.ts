/** `failed.jsonl` runs as it is, where it lies, and what it makes is the catalog's own. */
import { copyFile, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { openPipeline, type RenderOptions } from '../helpers/pipeline.ts'
import { anySettings, queueForTests } from '../helpers/queues.ts'

const CATALOG = 'sku,title,image\na,Blue mug,\nb,"Vase, tall",mug.png\nc,=Lamp,\n'
const SPRING: RenderOptions = {
  name: 'spring.csv',
  plan: { prompt: 'A {{ title }} by {{ brand }}', set: { id: '{{ sku }}', brand: 'Acme' } },
}

const queue = queueForTests(anySettings)

test('failed rows, an edit among them, are run from the store and then known to the catalog', async () => {
  await using pipeline = await openPipeline(queue)
  const { dir, store } = pipeline
  await copyFile('jobs/pictures/mug.png', dir.join('mug.png'))

  const refused = await pipeline.render(CATALOG, {
    ...SPRING,
    faults: [{ fault: { kind: 'moderation' } }],
  })
  expect(refused.results.map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'refused'])
  const manifest = store.locationOf(`_runs/${refused.run}/failed.jsonl`)
  expect(await readFile(manifest, 'utf8')).not.toContain('mug.png')

  const mended = await pipeline.render('', { plan: { manifest } })
  expect(mended.results.map(({ keys }) => keys)).toEqual([
    ['spring/a.png'],
    ['spring/b.png'],
    ['spring/c.png'],
  ])
  expect(mended.calls.byOperation).toMatchObject({ generate: 2, edit: 1 })

  const again = await pipeline.render(CATALOG, SPRING)
  expect(again.results.map(({ outcome }) => outcome)).toEqual(['reused', 'reused', 'reused'])
  expect(again.calls.calls).toBe(0)
})
