import { describe, expect, test } from 'vitest'
import { parseRowRanges } from '../../../src/producer/row-ranges.ts'
import { parseWhere } from '../../../src/producer/where.ts'
import { plan, problemsIn } from './planning.ts'

const SHOP = `SKU,Title,Category,prompt
a,Mug,mug,x
b,Bowl,bowl,x
c,Cup,mug,x
d,Plate,plate,x
e,"Mug, large",mug,x
`
const MAP = [{ target: 'id', source: 'SKU' }]

const idsOf = async (text: string, options: Parameters<typeof plan>[1]) =>
  (await plan(text, options)).jobs.map(({ id }) => id)
const select = (selection: NonNullable<Parameters<typeof plan>[1]>['select']) =>
  idsOf(SHOP, { map: MAP, ...(selection !== undefined && { select: selection }) })

describe('a run takes', () => {
  test('everything without a selection', async () => {
    expect(await select({})).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('the rows with these ids, in the order of the manifest', async () => {
    expect(await select({ only: ['d', 'a'] })).toEqual(['a', 'd'])
  })

  test('these rows by number', async () => {
    expect(await select({ rows: parseRowRanges('1-2, 4-') })).toEqual(['a', 'b', 'd', 'e'])
  })

  test('rows whose columns are so, by header, plain name or what they are mapped to', async () => {
    expect(await select({ where: parseWhere('Category=mug') })).toEqual(['a', 'c', 'e'])
    expect(await select({ where: parseWhere('category!=mug,title~L') })).toEqual(['b', 'd'])
    expect(await select({ where: parseWhere('id=c') })).toEqual(['c'])
    expect(await select({ where: parseWhere('title="Mug, large"') })).toEqual(['e'])
  })

  test('rows by column and id however accents are encoded, here or there', async () => {
    const one = 'id,Größe,prompt\nä,M,x\nb,L,x\n'
    for (const text of [one.normalize('NFC'), one.normalize('NFD')]) {
      for (const form of ['NFC', 'NFD'] as const) {
        const where = parseWhere('Größe=M'.normalize(form))
        expect((await idsOf(text, { select: { where } })).map((id) => id.normalize())).toEqual([
          'ä',
        ])
        const only = ['ä'.normalize(form)]
        expect((await idsOf(text, { select: { only } })).map((id) => id.normalize())).toEqual(['ä'])
      }
    }
  })

  test('the first of what else is selected', async () => {
    expect(await select({ where: parseWhere('category=mug'), first: 2 })).toEqual(['a', 'c'])
  })

  test('all of it together', async () => {
    const where = parseWhere('category=mug')
    const rows = parseRowRanges('2-')
    expect(await select({ only: ['a', 'b', 'c', 'e'], rows, where, first: 1 })).toEqual(['c'])
  })
})

describe('a sample', () => {
  const catalog = `id,prompt\n${Array.from({ length: 500 }, (_, row) => `sku-${row},x\n`).join('')}`
  const sampleOf = (text: string, sample: number) => idsOf(text, { select: { sample } })

  test('is the same every time, of the wanted size, in the order of the manifest', async () => {
    const ids = await sampleOf(catalog, 10)

    expect(ids).toHaveLength(10)
    expect(await sampleOf(catalog, 10)).toEqual(ids)
    const numbers = ids.map((id) => Number(id.slice(4)))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  })

  test('is chosen by id: rows that are added elsewhere leave most of it as it was', async () => {
    const before = await sampleOf(catalog, 20)
    const after = await sampleOf(catalog.replace('sku-7,x\n', 'sku-7,x\nnew-1,x\nnew-2,x\n'), 20)

    expect(before.filter((id) => after.includes(id)).length).toBeGreaterThanOrEqual(18)
  })

  test('is spread over the whole manifest, and everything when there is less', async () => {
    const numbers = (await sampleOf(catalog, 50)).map((id) => Number(id.slice(4)))

    expect(numbers.some((number) => number < 125)).toBe(true)
    expect(numbers.some((number) => number >= 375)).toBe(true)
    expect(await sampleOf('id,prompt\na,x\nb,x\n', 50)).toEqual(['a', 'b'])
  })

  test('is drawn from what else is selected', async () => {
    expect(await idsOf(catalog, { select: { sample: 5, first: 5 } })).toEqual(
      [0, 1, 2, 3, 4].map((row) => `sku-${row}`),
    )
  })
})

describe('the rows of a run', () => {
  test('know where they begin in the manifest', async () => {
    const { rows } = await plan('prompt,id\n"two\nlines",a\n\nx,b\n', { select: { only: ['b'] } })

    expect(rows.map(({ job, line }) => [job.row, line])).toEqual([[0, 5]])
  })

  test('are numbered among themselves, while ids without a column keep their number in the manifest', async () => {
    const { jobs } = await plan('prompt\na\nb\nc\n', { select: { rows: parseRowRanges('2-') } })

    expect(jobs.map(({ id, row }) => [id, row])).toEqual([
      ['2', 0],
      ['3', 1],
    ])
  })

  test('alone are checked: what is wrong elsewhere is nobody’s business', async () => {
    const text = 'id,prompt,size\na,x,\na,x,\nb,x,12x12\nc,,\n'

    expect(await idsOf(text, { select: { rows: parseRowRanges('1') } })).toEqual(['a'])
    expect(await problemsIn(plan(text, { select: { rows: parseRowRanges('1-2') } }))).toEqual([
      'catalog.csv:3 id "a": is also the id of line 2',
    ])
  })

  test('alone decide what the work is', async () => {
    const text = 'id,prompt\na,x\nb,y\n'
    const digestOf = async (options: Parameters<typeof plan>[1]) =>
      (await plan(text, options)).digest

    expect(await digestOf({ select: { only: ['a'] } })).toBe(
      await digestOf({ select: { first: 1 } }),
    )
    expect(await digestOf({ select: { first: 1 } })).not.toBe(await digestOf({}))
    expect(await digestOf({ force: true })).not.toBe(await digestOf({}))
  })

  test('are rendered again where that is forced, as the same rows', async () => {
    const [plain] = (await plan('id,prompt\na,x\n')).jobs
    const [forced] = (await plan('id,prompt\na,x\n', { force: true })).jobs

    expect(plain).not.toHaveProperty('force')
    expect(forced).toEqual({ ...plain, force: true })
  })
})

describe('a selection that can not be meant', () => {
  test.each([
    [
      { only: ['a', 'x', 'y'] },
      ['--only "x": no row has this id', '--only "y": no row has this id'],
    ],
    [{ where: parseWhere('category=cat') }, ['--where does not select any of the 5 rows']],
    [
      { rows: parseRowRanges('9'), first: 2 },
      ['--rows and --first do not select any of the 5 rows'],
    ],
    [
      { where: parseWhere('categry=mug') },
      ['--where "categry": the manifest has no such column (did you mean "Category"?)'],
    ],
  ])('%j', async (selection, problems) => {
    const planning = plan(SHOP, { map: MAP, select: selection })

    expect(await problemsIn(planning)).toEqual(problems)
  })

  test('names a column that no line of JSON Lines has; one that some lack is empty there', async () => {
    const rows = '{"id":"a","prompt":"x"}\n{"id":"b","prompt":"x","shelf":3}\n'
    const options = (text: string) => ({
      fileName: 'a.jsonl',
      select: { where: parseWhere(text) },
    })

    expect(await idsOf(rows, options('shelf=3'))).toEqual(['b'])
    expect(await idsOf(rows, options('shelf='))).toEqual(['a'])
    expect(await problemsIn(plan(rows, options('shelv!=3')))).toEqual([
      '--where "shelv": the manifest has no such column (did you mean "shelf"?)',
    ])
  })
})

describe('--map', () => {
  const mapped = (text: string, map: [target: string, source: string][], others = {}) =>
    plan(text, { map: map.map(([target, source]) => ({ target, source })), ...others })

  test('makes a column of another, which then means nothing else', async () => {
    const { jobs, warnings } = await mapped(
      'ID,SKU,Name,Text\n7,s-1,Cup,A {{ name }} {{ row.ID }}\n',
      [
        ['id', 'SKU'],
        ['prompt', 'Text'],
        ['title', 'Name'],
      ],
    )

    expect(jobs[0]).toMatchObject({ id: 's-1', key: 'catalog/s-1', request: { prompt: 'A Cup 7' } })
    expect(warnings).toEqual([])
  })

  test('gives names to templates, over a header of that name', async () => {
    const { jobs } = await mapped('id,prompt,title,Long name\n1,{{ title }},short,long\n', [
      ['title', 'long_name'],
    ])

    expect(jobs[0]!.request.prompt).toBe('long')
  })

  test('takes the first source that has something', async () => {
    const { jobs } = await mapped(
      'id,prompt,one,two\n1,x,,s3://b/2.png\n2,x,s3://b/1.png,s3://b/2.png\n',
      [
        ['image', 'one'],
        ['image', 'two'],
      ],
    )

    expect(jobs.map(({ images }) => images)).toEqual([
      [{ kind: 's3', url: 's3://b/2.png' }],
      [{ kind: 's3', url: 's3://b/1.png' }],
    ])
  })

  test('leaves what stays empty to --set', async () => {
    const { jobs } = await mapped('id,Text\n1,own\n2,\n', [['prompt', 'Text']], {
      set: { prompt: 'set' },
    })

    expect(jobs.map(({ request }) => request.prompt)).toEqual(['own', 'set'])
  })

  test('of the id leaves rows out that have none, with a warning', async () => {
    const { jobs, warnings, rowCount } = await mapped('SKU,prompt\na,x\n,z\n,y\nb,x\n', [
      ['id', 'SKU'],
    ])

    expect(jobs.map(({ id, row }) => [id, row])).toEqual([
      ['a', 0],
      ['b', 1],
    ])
    expect(rowCount).toBe(2)
    expect(warnings).toEqual([
      'a row without "SKU" (--map id) is left out (2 rows, first at line 3)',
    ])
  })

  test('of the id leaves no row out where --set makes one', async () => {
    const others = { set: { id: 'row-{{ handle }}' } }
    const { jobs } = await mapped('SKU,Handle,prompt\na,x,x\n,y,y\n', [['id', 'SKU']], others)

    expect(jobs.map(({ id }) => id)).toEqual(['a', 'row-y'])
  })

  test('of an id that no row has is a problem, and so is a header that is not there, once', async () => {
    expect(await problemsIn(mapped('SKU,prompt\n,x\n', [['id', 'SKU']]))).toEqual([
      '--map id: no row has a "SKU"',
    ])
    expect(await problemsIn(mapped('Sku no,prompt\na,x\nb,x\n', [['id', 'Sku nr']]))).toEqual([
      '--map "Sku nr": the manifest has no such column (did you mean "Sku no"?)',
    ])
  })
})

describe('--fill-down', () => {
  const promptsOf = async (text: string, fillDown: string[]) =>
    (await plan(text, { fillDown })).jobs.map(({ request }) => request.prompt)

  test('gives blank cells the value above, whether the first column is repeated or not', async () => {
    const rows = (handle: string) =>
      `id,Handle,Title,prompt\n1,mug,Mug,one {{ title }}\n2,${handle},,two {{ title }}\n3,cup,Cup,a {{ title }}\n`
    const expected = ['one Mug', 'two Mug', 'a Cup']

    expect(await promptsOf(rows('mug'), ['Handle', 'Title'])).toEqual(expected)
    expect(await promptsOf(rows(''), ['Handle', 'Title'])).toEqual(expected)
  })

  test('lets nothing of one product into the next', async () => {
    const text =
      'id,Handle,Title,Vendor,prompt\n1,mug,Mug,Acme,v{{ vendor }}\n2,,,,v{{ vendor }}\n3,cup,Cup,,v{{ vendor }}\n'

    expect(await promptsOf(text, ['Handle', 'Title', 'Vendor'])).toEqual(['vAcme', 'vAcme', 'v'])
  })

  test('shows templates the first row of the product', async () => {
    const text =
      'id,Handle,Title,prompt\n1,mug,Mug,{{ first_row.Title }} {{ title }}\n2,,Other,{{ first_row.Title }} {{ title }}\n'

    expect(await promptsOf(text, ['Handle'])).toEqual(['Mug Mug', 'Mug Other'])
    expect(await problemsIn(plan(text))).toEqual([expect.stringContaining('2 rows: lines 2, 3')])
  })
})

test('a target of --map that was meant to be a column is told', async () => {
  const { warnings } = await plan('SKU,prompt\na,x\n', {
    map: [
      { target: 'ids', source: 'SKU' },
      { target: 'title', source: 'SKU' },
    ],
  })

  expect(warnings[0]).toBe('--map ids is only a template variable (did you mean id?)')
  expect(warnings.join()).not.toContain('title')
})

test('planned rows hold the columns as the manifest gave them', async () => {
  const csv = await plan('SKU,Title,prompt,n\na, Mug ,{{ title }},2\nb,,x,\n', {
    map: MAP,
    fillDown: ['Title'],
    set: { quality: 'low' },
  })
  expect(csv.columns).toEqual(['SKU', 'Title', 'prompt', 'n'])
  expect(csv.rows.map(({ columns }) => columns)).toEqual([
    { SKU: 'a', Title: ' Mug ', prompt: '{{ title }}', n: '2' },
    { SKU: 'b', Title: '', prompt: 'x', n: '' },
  ])

  const lines = await plan(
    '{"id":1,"prompt":"x","tags":["a"]}\n{"custom_id":"b","url":"/v1/images/generations","body":{"prompt":"y"}}\n',
    { fileName: 'a.jsonl' },
  )
  expect(lines.columns).toEqual(['id', 'prompt', 'tags', 'custom_id', 'url', 'body'])
  expect(lines.rows.map(({ columns }) => columns)).toEqual([
    { id: 1, prompt: 'x', tags: ['a'] },
    { custom_id: 'b', url: '/v1/images/generations', body: { prompt: 'y' } },
  ])
})

test('the list of columns is bounded', async () => {
  const lines = Array.from(
    { length: 1_200 },
    (_, row) => `{"id":${row},"prompt":"x","c${row}":1}\n`,
  )

  expect((await plan(lines.join(''), { fileName: 'a.jsonl' })).columns).toHaveLength(1_000)
})

test.each([
  ['', '""'],
  ['0', '"0"'],
  ['3-1', '"3-1"'],
  ['1,,2', '""'],
  ['one', '"one"'],
  ['-5', '"-5"'],
])('--rows %j names the part that can not be read', (text, part) => {
  expect(() => parseRowRanges(text)).toThrow(`--rows ${part}: write numbers and ranges`)
})
