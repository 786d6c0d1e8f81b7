/** The commands of docs/shop-exports.md, on the exports of jobs/. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { addPlanFlags, type PlanFlags } from '../../../src/cli/options.ts'
import { planFor } from '../../../src/cli/plan.ts'
import { loadConfig } from '../../../src/config.ts'
import { documentedCommand } from '../../helpers/documented-command.ts'
import { tempDir } from '../../helpers/temp.ts'
import { plannedRowsIn } from './planning.ts'

async function planDocumented(name: string) {
  await using dir = await tempDir()
  const [, manifest = '', ...flags] = await documentedCommand('docs/shop-exports.md', name)
  const command = addPlanFlags(new Command().exitOverride()).parse([manifest, ...flags], {
    from: 'user',
  })
  const config = loadConfig({ stateDir: dir.join('state') }, { cwd: dir.path, env: {} })
  await using plan = await planFor(manifest, command.opts<PlanFlags>(), config)
  const parts = await Promise.all(plan.parts.map(({ file }) => readFile(file, 'utf8')))
  const fileOf = new Map(plan.inputs.map(({ key, file }) => [key, file.replace(/^.*\//, '')]))
  const rows = parts.flatMap(plannedRowsIn).map(({ job, columns }) => ({
    id: job.id,
    row: job.row,
    operation: job.operation,
    prompt: job.request.prompt,
    pictures: job.images.map((image) => image.kind === 'stored' && fileOf.get(image.key)),
    columns,
  }))
  return { ...plan, rows }
}

const essence = ({ rows }: Awaited<ReturnType<typeof planDocumented>>) =>
  rows.map(({ id, prompt, pictures }) => [id, prompt?.split(',').slice(0, 2).join(), ...pictures])

describe('Shopify', () => {
  test('variants have their own picture or the first of their product, and rows that only add one are left out', async () => {
    const plan = await planDocumented('jobs/shopify.csv')

    expect(essence(plan)).toEqual([
      ['CM-BLUE', 'The Camp mug of the picture, Blue', 'mug.png'],
      ['CM-GREEN', 'The Camp mug of the picture, Green', 'mug-green.png'],
      ['LS-S', 'The Linen shirt of the picture, S', 'shirt.jpg'],
      ['LS-M', 'The Linen shirt of the picture, M', 'shirt.jpg'],
      ['LS-L', 'The Linen shirt of the picture, L', 'shirt.jpg'],
    ])
    expect(plan.rows.map(({ row }) => row)).toEqual([0, 1, 2, 3, 4])
    expect(plan.rows.every(({ operation }) => operation === 'edit')).toBe(true)
    expect(plan.warnings).toEqual(['a row without "Variant SKU" (--map id) is left out (line 4)'])
    // One picture of three variants is put into the store once.
    expect(plan.inputs).toHaveLength(3)
  })

  test('the columns stay as the export has them, for the results', async () => {
    const { columns, rows } = await planDocumented('jobs/shopify.csv')
    const header = (await readFile('jobs/shopify.csv', 'utf8')).split('\n', 1)[0]

    expect(columns).toEqual(header?.split(','))
    expect(Object.keys(rows[1]!.columns)).toEqual(columns)
    expect(rows[1]!.columns).toMatchObject({
      Handle: 'camp-mug',
      Title: '',
      'Variant Price': '18.00',
    })
  })
})

test('WooCommerce: variations instead of their roof, several pictures of one cell in its order', async () => {
  const plan = await planDocumented('jobs/woocommerce.csv')

  expect(essence(plan)).toEqual([
    ['MUG-BLUE', 'Put the Camp mug - Blue on a light wooden table, soft daylight', 'mug.png'],
    [
      'MUG-GREEN',
      'Put the Camp mug - Green on a light wooden table, soft daylight',
      'mug-green.png',
    ],
    ['SHIRT', 'Put the Linen shirt, wide on a light wooden table', 'shirt.jpg', 'shirt-back.jpg'],
  ])
  expect(plan.warnings).toEqual([])
})

test('commercetools: variants have what their product has, and pictures separated by semicolons', async () => {
  const plan = await planDocumented('jobs/commercetools.csv')

  expect(essence(plan)).toEqual([
    ['CM-100', 'The Camp mug in blue enamel, on a light wooden table', 'mug.png', 'mug-green.png'],
    ['CM-200', 'The Camp mug in green enamel, on a light wooden table', 'mug-green.png'],
    [
      'LS-100',
      'The Linen shirt in white linen, on a light wooden table',
      'shirt.jpg',
      'shirt-back.jpg',
    ],
    ['LS-200', 'The Linen shirt in white linen, on a light wooden table', 'shirt.jpg'],
  ])
  expect(plan.warnings).toEqual([])
})
