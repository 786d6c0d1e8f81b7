/** The commands of docs/shop-exports.md, on the exports of jobs/. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { addPlanFlags, type PlanFlags } from '../../../src/cli/options.ts'
import { planFor } from '../../../src/cli/plan.ts'
import { loadConfig } from '../../../src/config.ts'
import { documentedCommand } from '../../helpers/documented-command.ts'
import { tempDir } from '../../helpers/temp.ts'
import { plan, plannedRowsIn, problemsIn } from './planning.ts'

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

describe('a column of products that is called like a setting', () => {
  const SHIRTS = 'id,Size,Style,Format,prompt\na,M,Casual,A5,A shirt in {{ product_size }}\n'

  test('is told how to keep from being one, and doing so helps', async () => {
    const problems = await problemsIn(plan(SHIRTS))

    const names = ['Size', 'Style', 'Format']
    const advice = names.map((name) => {
      const flag = `product_${name.toLowerCase()}=${name}`
      expect(problems.join('\n')).toContain(`; if "${name}" is something else here: --map ${flag}`)
      return flag
    })
    const map = advice
      .map((flag) => flag.split('='))
      .map(([target, source]) => ({ target, source }))
    const { jobs } = await plan(SHIRTS, { map: map as { target: string; source: string }[] })
    expect(jobs[0]?.request).toEqual({
      model: 'gpt-image-2',
      n: 1,
      quality: 'medium',
      prompt: 'A shirt in M',
    })
  })

  test.each([
    ['is misspelt', 'id,Quality,prompt\na,mediun,x\n', {}],
    ['is one that the model does not take', 'id,Size,prompt\na,50x70,x\n', {}],
    ['was mapped', 'id,Size,Dim,prompt\na,M,big,x\n', { map: [{ target: 'size', source: 'Dim' }] }],
    ['comes from --set', 'id,prompt\na,x\n', { set: { size: 'big' } }],
    ['has a name that no product has', 'id,output_format,prompt\na,A5,x\n', {}],
  ])('is not suspected where what is wrong %s', async (_, text, options) => {
    const [problem, ...others] = await problemsIn(plan(text, options))

    expect(others).toEqual([])
    expect(problem).not.toContain('something else')
  })
})
