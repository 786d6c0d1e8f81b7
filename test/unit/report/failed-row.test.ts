/** A line of `failed.jsonl` is planned again into the very same work, wherever it lies and without any flag. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { PlannedRow } from '../../../src/job.ts'
import { planManifest } from '../../../src/producer/plan.ts'
import type { RowResult } from '../../../src/queue/ledger.ts'
import { failedRowOf } from '../../../src/report/failed-row.ts'
import { jobFor, newRun, resultFor } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'
import { OPTIONS, plan, plannedRowsIn, type Planned } from '../producer/planning.ts'

const FAILED: Partial<RowResult> = {
  outcome: 'failed',
  keys: [],
  errorCode: 'content_refused',
  error: 'no: {{ nothing }}',
}

const failedLine = ({ job, columns }: PlannedRow) =>
  failedRowOf({ job, columns, result: resultFor(job, FAILED), locations: [] })

/** Plans what `failed.jsonl` would hold, were all these rows to fail, and compares. */
async function expectSameWork(rows: readonly PlannedRow[]): Promise<Planned> {
  const lines = rows.map((row) => `${JSON.stringify(failedLine(row))}\n`)
  const again = await plan(lines.join(''), { fileName: 'failed.jsonl' })
  expect(again.jobs).toEqual(rows.map(({ job }) => job))
  return again
}

const withoutLines = (warning: string) => warning.replace(/ \([^(]*line.*\)$/, '')

const CATALOG = [
  'Sku,Title,Prompt,Format,count,quality,my_size,Filename',
  'a-1,Blue mug,"A {{ title }} by {{ brand }} for {{ manifest }}",WEBP,2,,1024x1024,',
  'a-2,"Braces {{ x }} and {% y %}, {{{z}}} {{- w -}} {% endraw %}","{{ title }}",,,HIGH,,own/{{ sku }}',
  '{{odd}},Id,"{{ id }}",,,,,',
].join('\n')

describe('a row that failed', () => {
  test('means the same without the flags, the name and the place of its manifest', async () => {
    const first = await plan(CATALOG, {
      fileName: 'spring.csv',
      set: {
        id: '{{ sku }}',
        brand: 'Acme',
        quality: 'low',
        size: '{{ my_size | default: "auto" }}',
      },
      name: '{{ manifest }}/{{ brand }}/{{ id }}',
    })

    const { warnings } = await expectSameWork(first.rows)

    expect(first.jobs.map(({ key }) => key).slice(0, 2)).toEqual(['spring/Acme/a-1', 'own/a-2'])
    expect(first.jobs[1]?.request.prompt).toContain('{{ x }} and {% y %}')
    expect(warnings).toEqual([])
  })

  test('keeps the number it went by, and what the manifest gave for all rows', async () => {
    const first = await plan(
      JSON.stringify({
        defaults: {
          prompt: 'A {{ what }} in {{ place }}',
          place: 'a box',
          n: 3,
          user: '{{ what }}',
        },
        rows: [{ what: 'cup' }, { what: 'pot', n: 1 }],
      }),
      { fileName: 'house.json' },
    )

    await expectSameWork(first.rows)

    expect(first.jobs.map(({ id, key }) => [id, key])).toEqual([
      ['1', 'house/1'],
      ['2', 'house/2'],
    ])
  })

  test('has pictures whose names a cell of text would take apart', async () => {
    const [image, mask] = [['s3://b/front, left.png', 'file-1'], ['s3://b/a|b.png']]

    const first = await plan(JSON.stringify({ id: 'a', prompt: 'x', image, mask }), {
      fileName: 'a.jsonl',
    })

    const { rowCount } = await expectSameWork(first.rows)
    expect(rowCount).toBe(1)
  })

  test('of a selection, of mapped and of filled columns, too', async () => {
    const text = [
      'Handle,Title,Variant SKU,Image,Name',
      'mug,Mug,m-1,https://x.example/a.png,One',
      ',,m-2,https://x.example/b.png,Two',
    ].join('\n')

    const first = await plan(text, {
      map: [
        { target: 'id', source: 'Variant SKU' },
        { target: 'image', source: 'Image' },
        { target: 'name', source: 'Handle' },
      ],
      fillDown: ['Title'],
      select: { rows: [{ from: 2, to: 2 }] },
      set: { name: 'shop/{{ id }}' },
      prompt: 'A {{ title }}',
    })

    await expectSameWork(first.rows)

    expect(first.jobs).toMatchObject([
      { id: 'm-2', key: 'shop/m-2', request: { prompt: 'A Mug' }, images: [{ kind: 'url' }] },
    ])
  })

  test('fits a line, as large as a row of a CSV may be', async () => {
    const notes = `one${'\n'.repeat(1_000_000)}two`

    const first = await plan(`id,prompt,notes\na,x,"${notes}"\n`)

    const again = await expectSameWork(first.rows)
    expect(again.rows[0]?.columns['notes']).toBe(notes)
  })

  test.each(['demo.csv', 'catalog.json', 'catalog.jsonl', 'openai-batch.jsonl', 'newest.jsonl'])(
    'of jobs/%s',
    async (name) => {
      await using dir = await tempDir()
      await using planned = await planManifest({
        ...OPTIONS,
        manifest: `jobs/${name}`,
        workDir: dir.path,
      })
      const texts = await Promise.all(planned.parts.map(({ file }) => readFile(file, 'utf8')))
      const rows = texts.flatMap(plannedRowsIn)

      const { warnings, inputs } = await expectSameWork(rows)

      expect(warnings.map(withoutLines)).toEqual(planned.warnings.map(withoutLines))
      // What came from local paths is in the store already, and nobody needs the path.
      expect(inputs).toEqual([])
    },
  )

  test('says why, beside its own words for the row, and nothing that an earlier run said', () => {
    const job = jobFor(newRun(), 3, { id: 'sku-3' })
    const columns = { sku: 3, Prompt: 'old', _error: 'earlier', _status: 'failed', _note: 'mine' }

    const line = failedLine({ job, columns })

    expect(Object.keys(line!).slice(0, 4)).toEqual(['id', '_error_code', '_error', 'prompt'])
    expect(line).toMatchObject({
      id: 'sku-3',
      _error_code: 'content_refused',
      _error: 'no: {{ nothing }}',
      sku: 3,
      _note: 'mine',
    })
    expect(line).not.toHaveProperty('_status')
    expect(line).not.toHaveProperty('Prompt')
  })

  test.each(['succeeded', 'reused'] as const)('but not one that %s', (outcome) => {
    const job = jobFor(newRun(), 0)
    const result = resultFor(job, { outcome })

    expect(failedRowOf({ job, columns: {}, result, locations: [] })).toBeUndefined()
  })
})
