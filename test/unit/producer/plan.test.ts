import { existsSync } from 'node:fs'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { ManifestError } from '../../../src/errors.ts'
import { fingerprintOf } from '../../../src/job.ts'
import { planManifest } from '../../../src/producer/plan.ts'
import { tempDir } from '../../helpers/temp.ts'
import { OPTIONS, plan, plannedRowsIn, problemsIn } from './planning.ts'
import { pieces } from './reading.ts'

describe('a row becomes a job', () => {
  test('with everything resolved', async () => {
    const { jobs } = await plan(
      'id,prompt,color,size,n\nmug-1,A {{ color }} mug,red,816x816,2\nmug-2,Plain,,,\n',
    )

    expect(jobs[0]).toEqual({
      version: 1,
      run: OPTIONS.run,
      row: 0,
      id: 'mug-1',
      fingerprint: fingerprintOf(jobs[0]!),
      operation: 'generate',
      request: {
        model: 'gpt-image-2',
        prompt: 'A red mug',
        n: 2,
        size: '816x816',
        quality: 'medium',
      },
      images: [],
      key: 'catalog/mug-1',
      existing: 'replace',
    })
    expect(jobs[1]).toMatchObject({ row: 1, request: { prompt: 'Plain', n: 1 } })
    expect(jobs[1]!.request).not.toHaveProperty('size')
  })

  test('numbered when there is no id, with a warning', async () => {
    const { jobs, warnings } = await plan('prompt\nx\n\ny\n')

    expect(jobs.map(({ id, key }) => [id, key])).toEqual([
      ['1', 'catalog/1'],
      ['2', 'catalog/2'],
    ])
    expect(warnings).toEqual([
      'a row without an id goes by its number, which changes when rows are added or moved: an id column is better (2 rows, first at line 2)',
    ])
  })

  test.each([
    ['{"prompt":"x"}', 'generate'],
    ['{"prompt":"x","image":"https://shop.example/a.png"}', 'edit'],
    ['{"prompt":"x","image":"https://shop.example/a.png","operation":"Edit"}', 'edit'],
    ['{"image":"s3://photos/a.png","operation":"variation","model":"dall-e-2"}', 'variation'],
  ])('%s: %s', async (line, operation) => {
    expect((await plan(line, { fileName: 'a.jsonl' })).jobs[0]).toMatchObject({ operation })
  })

  test('with its parameters in the types of the API, from text and from JSON', async () => {
    const row =
      '{"prompt":7,"n":"3","output_compression":80,"output_format":" JPEG ","quality":"Low","user":"U17"}'

    expect((await plan(row, { fileName: 'a.jsonl' })).jobs[0]!.request).toMatchObject({
      prompt: '7',
      n: 3,
      output_compression: 80,
      output_format: 'jpeg',
      quality: 'low',
      user: 'U17',
    })
  })
})

describe('what fills a row: its own cell, then --set and --prompt, then the defaults of the manifest', () => {
  const manifest = JSON.stringify({
    defaults: { size: '816x816', quality: 'high', brand: 'Acme' },
    rows: [
      { id: 'a', prompt: 'own', size: '1024x1024', quality: 'low', brand: 'Own' },
      { id: 'b', prompt: '', size: null },
    ],
  })

  test('in this order', async () => {
    const { jobs } = await plan(manifest, {
      fileName: 'a.json',
      set: { quality: 'medium', brand: 'Set', n: '2' },
      prompt: 'by {{ brand }}',
    })

    expect(jobs.map(({ request }) => request)).toEqual([
      { model: 'gpt-image-2', prompt: 'own', n: 2, size: '1024x1024', quality: 'low' },
      { model: 'gpt-image-2', prompt: 'by Set', n: 2, size: '816x816', quality: 'medium' },
    ])
  })

  test('--set takes aliases and makes ids', async () => {
    const { jobs, warnings } = await plan('sku,color,prompt\nM1,red,x\n', {
      set: { ID: '{{ sku }}-{{ color }}', Format: 'webp' },
    })

    expect(warnings).toEqual([])
    expect(jobs[0]).toMatchObject({ id: 'M1-red', request: { output_format: 'webp' } })
  })

  test('what the operation of a row does not take stays out of it, with a warning', async () => {
    const rows = 'id,prompt,image\n1,x,\n2,x,https://x.example/a.png\n'

    const { jobs, warnings } = await plan(rows, { set: { moderation: 'low' }, server: 'azure' })

    expect(jobs.map(({ request }) => request.moderation)).toEqual(['low', undefined])
    expect(warnings).toEqual([
      'moderation of --set or defaults is left out of edit rows: not taken there (line 3)',
    ])
  })

  test('what a row itself says, or no operation of its model takes, is a problem all the same', async () => {
    const edit = 'id,prompt,image,moderation\n1,x,https://x.example/a.png,low\n'

    expect(await problemsIn(plan(edit, { server: 'azure' }))).toEqual([
      'catalog.csv:2 moderation is not taken by Azure for edit',
    ])
    expect(await problemsIn(plan('id,prompt\n1,x\n', { set: { style: 'vivid' } }))).toEqual([
      '--set style is not taken by gpt-image-2 for generate: describe the style in the prompt',
    ])
  })

  test('what is wrong with a flag is said once, by its name', async () => {
    const rows = 'id,title,prompt,quality\n1,a,,\n2,b,,\n2,c,own,high\n'
    const planning = plan(rows, { prompt: '{{ titel }}', set: { quality: 'lo' }, name: '{{ nr }}' })

    expect(await problemsIn(planning)).toEqual([
      '--prompt {{ titel }}: there is no such column (did you mean title?) (2 rows: lines 2, 3)',
      '--set quality "lo": gpt-image-2 takes low, medium, high or auto (did you mean low?) (2 rows: lines 2, 3)',
      '--name {{ nr }}: there is no such column (did you mean n?) (3 rows: lines 2, 3, 4)',
      'catalog.csv:4 id "2": is also the id of line 3',
    ])
    expect(await problemsIn(plan('id,title\n1,\n', { prompt: '{{ title }}' }))).toEqual([
      '--prompt comes out empty',
    ])
  })

  test('the first jobs are at hand to be shown', async () => {
    const { firstJobs, jobs } = await plan('id,prompt\n1,a\n2,b\n3,c\n')

    expect(firstJobs).toEqual(jobs.slice(0, 2))
  })

  test('a flag that fills no row is told', async () => {
    const rows = 'id,prompt,color,size\n1,x,red,1024x1024\n2,y,blue,\n'
    const set = { color: 'green', size: '816x816' }

    expect((await plan(rows, { prompt: 'z', set })).warnings).toEqual([
      '--set color fills no row: all have a value of their own',
      '--prompt fills no row: all have a value of their own',
    ])
  })

  test('a cell that leaves an empty place in a prompt is told, unless a default is written', async () => {
    const rows = 'id,title,color\n1,Mug,red\n2,,\n3, ,blue\n'
    const prompt = 'A {{ title }}, {{ color | default: "white" }}'

    const { warnings } = await plan(rows, { prompt })
    expect(warnings).toEqual([
      '--prompt {{ title }}: is empty: fill the cells, add --fill-down, or write {{ title | default: "…" }} (2 rows, first at line 3)',
    ])
    expect((await plan(rows, { prompt: 'A {{ title }}' })).warnings).toEqual(warnings)
    const whole = { prompt: 'x', set: { user: '{{ title }}' } }
    expect((await plan(rows, whole)).warnings).toEqual([])
    expect(
      (await plan(rows, { prompt: '{% if title %}{{ title }}{% endif %} x' })).warnings,
    ).toEqual([])
  })

  test('a prompt for all is not given to variations', async () => {
    const { jobs } = await plan(
      'id,operation,model,image\na,Variation,dall-e-2,s3://b/a.png\nb,,,\n',
      { prompt: 'x' },
    )

    expect(jobs.map(({ request }) => request.prompt)).toEqual([undefined, 'x'])
  })

  test('a value of --set that fits no row is reported once', async () => {
    const problems = await problemsIn(plan('prompt\nx\ny\n', { set: { n: 'two' } }))

    expect(problems).toEqual(['--set n "two": must be a whole number'])
  })
})

const keysOf = async (text: string, name?: string) =>
  (
    await plan(text, { fileName: 'Spring Sale.v2.csv', ...(name !== undefined && { name }) })
  ).jobs.map(({ key }) => key)

describe('names of objects', () => {
  test('come from manifest and id', async () => {
    expect(await keysOf('id,prompt\nSKU 1/a,x\n')).toEqual(['Spring-Sale.v2/SKU-1/a'])
  })

  test('come from a template that sees columns and what was resolved', async () => {
    const name = '{{ category | slugify }}/{{ model }}-{{ quality }}/{{ id }}'

    expect(await keysOf('id,prompt,Category\n1,x,Tea Cups\n', name)).toEqual([
      'tea-cups/gpt-image-2-medium/1',
    ])
  })

  test('come from the row before that', async () => {
    expect(await keysOf('id,prompt,name\n1,x,mugs/{{ id }}\n2,y,\n', 'all/{{ id }}')).toEqual([
      'mugs/1',
      'all/2',
    ])
  })

  test('stay inside whatever a row says', async () => {
    expect(await keysOf('id,prompt,name\n1,x,../../etc/passwd\n2,x,_records/x\n')).toEqual([
      'etc/passwd',
      'records/x',
    ])
  })

  test.each([
    [
      'the same name',
      'a,x,mug,\nb,x,mug,\n',
      'catalog.csv:3 name "mug": line 2 has the same object name',
    ],
    [
      'names that differ in case',
      'a,x,Mug,\nb,x,mug,\n',
      'catalog.csv:3 name "mug": line 2 has the same object name',
    ],
    [
      'names that are made equal',
      'a,x,my mug,\nb,x,my-mug,\n',
      'catalog.csv:3 name "my-mug": line 2 has the same object name',
    ],
    [
      'a number that another name has',
      'a,x,mug,2\nb,x,mug-2,\n',
      'catalog.csv:3 name "mug-2": line 2 has the same object name',
    ],
    [
      'a number that another name has, the other way',
      'a,x,mug-1,\nb,x,mug,2\n',
      'catalog.csv:3 name "mug-1": line 2 has the same object name',
    ],
  ])('%s for two rows is a problem', async (_, rows, problem) => {
    expect(await problemsIn(plan(`id,prompt,name,n\n${rows}`))).toEqual([problem])
  })

  test('of ids that are made equal too', async () => {
    expect(await problemsIn(plan('id,prompt\na b,x\na-b,x\n'))).toEqual([
      'catalog.csv:3 name "catalog/a-b": line 2 has the same object name',
    ])
  })

  test('a name that comes out empty is a problem', async () => {
    expect(await problemsIn(plan('id,prompt,name\n1,x,{{ row.id | remove: "1" }}\n'))).toEqual([
      'catalog.csv:2 name "{{ row.id | remove: "1" }}": comes out empty',
    ])
  })
})

const promptOf = async (text: string, fileName = 'catalog.csv') =>
  (await plan(text, { fileName })).jobs[0]!.request.prompt

describe('templates see', () => {
  test('columns as written and in plain form', async () => {
    expect(
      await promptOf(
        'id,prompt,Image Src,Größe\n1,{{ image_src }} {{ row["Image Src"] }} {{ Größe }},a,b\n',
      ),
    ).toBe('a a b')
  })

  test('the id, also a numbered one, and the manifest', async () => {
    expect(await promptOf('prompt\n{{ manifest }} {{ id }}\n')).toBe('catalog 1')
  })

  test('values inside values, in JSON', async () => {
    const row = {
      prompt: '{{ attributes.color }} {{ tags[1] }}',
      attributes: { color: 'red' },
      tags: ['a', 'b'],
    }

    expect(await promptOf(JSON.stringify(row), 'a.jsonl')).toBe('red b')
  })

  test('columns whose names mean something else, through the row', async () => {
    const text =
      'prompt,row,manifest,empty,size\n{{ row.row }}{{ row.manifest }}{{ row.empty }}{{ size }},a,b,c,auto\n'

    expect(await promptOf(text)).toBe('abcauto')
  })

  test('braces in values as plain text', async () => {
    expect(await promptOf('id,prompt,title\n1,"{{ title }}","{{ id }} & <b>"\n')).toBe(
      '{{ id }} & <b>',
    )
  })

  test('no column of another row', async () => {
    const rows = '{"id":1,"prompt":"x","color":"red"}\n{"id":2,"prompt":"{{ color }}"}\n'

    expect(await problemsIn(plan(rows, { fileName: 'a.jsonl' }))).toEqual([
      'a.jsonl:2 prompt {{ color }}: there is no such column',
    ])
  })
})

const tooMany = (n: string) => `n ${n}: must be from 1 to 10 (did you mean 10?)`

async function* breakingOff() {
  yield Buffer.from('id,prompt\n1,x\n')
  throw new Error('broken pipe')
}

describe('problems', () => {
  test('a misspelt prompt column is found', async () => {
    expect(await problemsIn(plan('id,promt\n1,x\n'))).toEqual([
      'catalog.csv:2 prompt is missing: generate needs one; column "promt" is only a template variable (did you mean prompt?)',
    ])
  })

  test('a near miss is a warning where nothing is missing', async () => {
    expect((await plan('id,prompt,qualty\n1,x,low\n2,x,low\n')).warnings).toEqual([
      'column "qualty" is only a template variable (did you mean quality?) (line 2)',
    ])
  })

  test('one parameter in two columns is reported once', async () => {
    expect(
      await problemsIn(plan('id,prompt,format,output_format\n1,x,png,jpeg\n2,y,png,png\n')),
    ).toEqual(['catalog.csv:2 output_format is given twice, as "format" and as "output_format"'])
  })

  test('two columns for one parameter are fine as long as no row uses both', async () => {
    const { jobs } = await plan('id,prompt,format,output_format\n1,x,,webp\n2,y,jpeg,\n')

    expect(jobs.map(({ request }) => request.output_format)).toEqual(['webp', 'jpeg'])
  })

  test.each([
    ['{"id":["a"],"prompt":"x"}', 'id "["a"]": must be a text'],
    [
      `{"id":"${'x'.repeat(513)}","prompt":"x"}`,
      `id "${'x'.repeat(60)}…": is longer than 512 characters`,
    ],
    [
      '{"id":"a\\nb","prompt":"x"}',
      'id "a\\u000ab": holds a line break or another control character',
    ],
    ['{"prompt":{"text":"x"}}', 'prompt "{"text":"x"}": must be a text'],
    [
      '{"prompt":"a\\u0000b"}',
      'prompt holds a NUL character or half of a surrogate pair: take it out',
    ],
    [
      '{"prompt":"\\ud83d"}',
      'prompt holds a NUL character or half of a surrogate pair: take it out',
    ],
    ['{"prompt":"x","n":2.5}', 'n "2.5": must be a whole number'],
    ['{"prompt":"x","n":0}', 'n 0: must be from 1 to 10 (did you mean 1?)'],
    ['{"prompt":"x","n":9007199254740991}', tooMany('9007199254740991')],
    ['{"prompt":"x","n":20000000,"model":"unknown"}', tooMany('20000000')],
    ['{"prompt":"x","n":11,"model":"dall-e-3"}', tooMany('11')],
    [
      '{"prompt":"x","output_format":"jpeg","output_compression":101}',
      'output_compression 101: must be from 0 to 100 (did you mean 100?)',
    ],
    [
      '{"prompt":"x","image":"https://x.example/a.png,https://x.example/b.png"}',
      'image "https://x.example/a.png,https://x.example/b.png": separate pictures with "|", or with a comma and a space',
    ],
    ['{"prompt":"x","user":"{{ nobody }}"}', 'user {{ nobody }}: there is no such column'],
    [
      '{"prompt":"x","image":[{"file":"file-1"}]}',
      'image "[{"file":"file-1"}]": must be a path, a URL or a file id, or a list of them',
    ],
    [
      '{"prompt":"x","image":{"file_id":"mug.png"}}',
      'image "{"file_id":"mug.png"}": must be the id of an uploaded file: file-…',
    ],
    [
      '{"prompt":"x","image":{"image_url":"data:image/png;base64,AAAA"}}',
      'image "{"image_url":"data:image/png;base64,AAAA"}": is a data URL: name a file instead, renderq puts it into the request',
    ],
    [
      '{"prompt":"x","model":"gpt-image-2.5-flare","image":"s3://b/a.png","markup":"file-1"}',
      'markup must be a picture that renderq can upload, not a reference',
    ],
    ['{"prompt":"x","stream":"yes"}', 'stream "yes": must be true or false'],
    [
      '{"prompt":"x","model":"gpt-image-2.6-flare","output_format":"svg","svg":{"effort":"low"}}',
      'svg "{"effort":"low"}": must be { "model": "…", "reasoning": { "effort": "…" } }, without reasoning if you like',
    ],
    [
      '{"prompt":"x","image":"s3://b/a.png","mask":["s3://b/m.png","s3://b/n.png"]}',
      'mask names more than one picture',
    ],
    ['{"operation":"generate","prompt":"x","mask":"s3://b/m.png"}', 'mask is only taken by edit'],
    [
      '{"operation":"outpaint","prompt":"x"}',
      'operation "outpaint": must be generate, edit or variation',
    ],
  ])('%s', async (row, problem) => {
    expect(await problemsIn(plan(row, { fileName: 'a.jsonl' }))).toEqual([`a.jsonl:1 ${problem}`])
  })

  test.each([
    ['n', '0', '--set n 0: must be from 1 to 10 (did you mean 1?)'],
    ['compression', '101', '--set compression 101: must be from 0 to 100 (did you mean 100?)'],
    ['count', 'two', '--set count "two": must be a whole number'],
  ])('--set %s=%s is wrong once, not in every row', async (name, value, problem) => {
    const planning = plan('id,prompt\n1,x\n2,y\n', { set: { [name]: value } })

    expect(await problemsIn(planning)).toEqual([problem])
  })

  test('a list in JSON may hold a URL with another in it', async () => {
    const image = ['https://x.example/w=3,https://y.example/a.png']

    const { jobs } = await plan(JSON.stringify({ prompt: 'x', image }), { fileName: 'a.jsonl' })

    expect(jobs[0]!.images).toEqual([{ kind: 'url', url: image[0] }])
  })

  test('a prompt of more than 32,000 characters', async () => {
    expect(await problemsIn(plan(`id,prompt\n1,${'x'.repeat(32_001)}\n`))).toEqual([
      'catalog.csv:2 prompt 32,001 characters: gpt-image-2 takes at most 32,000',
    ])
  })

  test('are one for all rows that have it, and nothing is left behind', async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('a.csv'), `id,prompt\n${'same,\n'.repeat(3_000)}`)
    const workDir = dir.join('work')

    const planning = planManifest({ ...OPTIONS, manifest: dir.join('a.csv'), workDir })

    const error = (await planning.catch((error: unknown) => error)) as ManifestError
    expect(error.problems).toMatchObject([
      { column: 'prompt', line: 2, rows: 3_000 },
      { column: 'id', line: 3, rows: 2_999 },
    ])
    expect(existsSync(workDir)).toBe(false)
  })

  test('of a source that breaks off are not taken for a plan', async () => {
    await using dir = await tempDir()
    const planning = planManifest({
      ...OPTIONS,
      manifest: '-',
      stdin: breakingOff(),
      workDir: dir.join('w'),
    })

    await expect(planning).rejects.toThrow('broken pipe')
    expect(existsSync(dir.join('w'))).toBe(false)
  })
})

async function shop(rows: string) {
  const dir = await tempDir()
  const draw = async (name: string, width: number, channels: 3 | 4) =>
    await sharp({ create: { width, height: 8, channels, background: '#fff8' } }).toFile(
      dir.join(name),
    )
  await draw('a.png', 8, 3)
  await draw('b.jpg', 8, 3)
  await draw('mask.png', 8, 4)
  await draw('wide.png', 16, 4)
  await copyFile(dir.join('a.png'), dir.join('copy.png'))
  await writeFile(dir.join('m.csv'), `id,prompt,image,mask\n${rows}`)
  return {
    planned: planManifest({ ...OPTIONS, manifest: dir.join('m.csv'), workDir: dir.join('w') }),
    [Symbol.asyncDispose]: async () => await dir[Symbol.asyncDispose](),
  }
}

describe('input pictures', () => {
  test('are listed once per content, and jobs name them by digest in the order of the row', async () => {
    await using dir = await shop(
      '1,x,b.jpg | a.png,\n2,x,copy.png,mask.png\n3,x,https://x.example/c.png,\n',
    )
    await using planned = await dir.planned
    const rows = plannedRowsIn(await readFile(planned.parts[0]!.file, 'utf8'))
    const jobs = rows.map(({ job }) => job)

    expect(planned.inputs.map(({ mediaType }) => mediaType)).toEqual([
      'image/jpeg',
      'image/png',
      'image/png',
    ])
    expect(jobs[0]!.images.map((image) => image.kind === 'stored' && image.key)).toEqual([
      planned.inputs[0]!.key,
      planned.inputs[1]!.key,
    ])
    expect(jobs[1]).toMatchObject({
      images: [{ kind: 'stored', key: planned.inputs[1]!.key }],
      mask: { kind: 'stored', key: planned.inputs[2]!.key },
    })
    expect(jobs[2]!.images).toEqual([{ kind: 'url', url: 'https://x.example/c.png' }])
    expect(JSON.stringify(jobs)).not.toContain('.png"|a.png')
  })

  test('that are bad are problems of their rows, each of them', async () => {
    await using dir = await shop(
      '1,x,a.png|nope.png,\n2,x,a.png,b.jpg\n3,x,a.png,wide.png\n4,x,nope.png|a.png,wide.png\n',
    )

    expect(await problemsIn(dir.planned)).toEqual([
      'm.csv:2 image "nope.png": there is no such file (2 rows: lines 2, 5)',
      'm.csv:3 mask must be a PNG with an alpha channel: transparent marks what to change',
      'm.csv:4 mask is 16x8: it must have the size of the first image, 8x8',
    ])
  })

  test('of standard input lie beside the working directory, and others are refused', async () => {
    await using dir = await tempDir()
    const stdin = pieces(
      Buffer.from(`id,prompt,image\n1,x,jobs/pictures/mug.png\n2,x,${dir.path}\n`),
    )

    const planning = planManifest({ ...OPTIONS, manifest: '-', stdin, workDir: dir.join('w') })

    const [problem, ...more] = await problemsIn(planning)
    expect(problem).toContain('is outside of')
    expect(more).toEqual([])
  })

  test('may come from folders that are allowed', async () => {
    await using dir = await tempDir()
    await mkdir(dir.join('photos'))
    await copyFile('jobs/pictures/mug.png', dir.join('photos', 'mug.png'))
    const text = `id,prompt,image\n1,x,${dir.join('photos', 'mug.png')}\n`

    expect(await problemsIn(plan(text))).toHaveLength(1)
    expect((await plan(text, { imageRoots: [dir.join('photos')] })).inputs).toHaveLength(1)
  })
})

const rowsOf = (count: number) =>
  `id,prompt,n\n${Array.from({ length: count }, (_, index) => `sku-${index},x,${(index % 3) + 1}\n`).join('')}`

const digestOf = async (text: string, options = {}) => (await plan(text, options)).digest

describe('a plan', () => {
  test('counts rows, pictures and operations, and splits the jobs into parts', async () => {
    const planned = await plan(rowsOf(25), { rowsPerPart: 10 })

    expect(planned).toMatchObject({
      run: OPTIONS.run,
      manifestName: 'catalog',
      rowCount: 25,
      pictureCount: 8 * 6 + 1,
      byOperation: { generate: 25, edit: 0, variation: 0 },
    })
    expect(planned.parts.map(({ firstRow, rowCount }) => [firstRow, rowCount])).toEqual([
      [0, 10],
      [10, 10],
      [20, 5],
    ])
    expect(planned.partTexts.map((text) => text.split('\n').length - 1)).toEqual([10, 10, 5])
    expect(planned.jobs.map(({ row }) => row)).toEqual([...Array(25).keys()])
  })

  test('has no empty last part', async () => {
    expect((await plan(rowsOf(20), { rowsPerPart: 10 })).parts).toHaveLength(2)
  })

  test('has a digest of the work: the same in another form, another in another order or wish', async () => {
    const csv = await digestOf('id,prompt\na,x\nb,y\n')

    expect(await digestOf('prompt;note;id\r\n"x";1;a\r\ny;;b', { run: 'run_9876543210' })).toBe(csv)
    expect(
      await digestOf('[{"id":"a","prompt":"x"},{"id":"b","prompt":"y"}]', {
        fileName: 'catalog.json',
      }),
    ).toBe(csv)
    const others = await Promise.all([
      digestOf('id,prompt\nb,y\na,x\n'),
      digestOf('id,prompt\na,x\nb,z\n'),
      digestOf('id,prompt\na,x\nb,y\n', { fileName: 'other.csv' }),
      digestOf('id,prompt\na,x\nb,y\n', { existing: 'keep' }),
      digestOf('id,prompt\na,x\n'),
    ])
    expect(new Set([csv, ...others]).size).toBe(6)
  })

  test('writes only where it was told to, and removes that when disposed', async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('a.csv'), rowsOf(3))
    const workDir = dir.join('deep', 'work')
    const planned = await planManifest({ ...OPTIONS, manifest: dir.join('a.csv'), workDir })
    expect(existsSync(planned.parts[0]!.file)).toBe(true)

    await planned[Symbol.asyncDispose]()
    await planned[Symbol.asyncDispose]()

    expect(existsSync(workDir)).toBe(false)
  })

  test('never removes what others put into its folder', async () => {
    await using dir = await tempDir()
    await mkdir(dir.join('work'))
    await writeFile(dir.join('work', 'mine'), '')

    const { jobs } = await plan(rowsOf(1), { workDir: dir.join('work') })

    expect(jobs).toHaveLength(1)
    expect(existsSync(dir.join('work', 'mine'))).toBe(true)
  })

  test('keeps partial pictures of the rows that ask for some', async () => {
    const text = 'id,prompt,partial_images,stream\na,x,2,\nb,x,0,\nc,x,,TRUE\nd,x,,\n'

    const { jobs, warnings, digest } = await plan(text, { keepPartials: true })

    expect(jobs.map(({ keepPartials }) => keepPartials)).toEqual([
      true,
      undefined,
      undefined,
      undefined,
    ])
    expect(jobs.map(({ request }) => request.stream)).toEqual([true, true, true, undefined])
    expect(warnings).toEqual([])
    expect((await plan(text)).jobs[0]).not.toHaveProperty('keepPartials')
    expect((await plan(text)).digest).not.toBe(digest)
  })

  test('warns when there are no partial pictures to keep', async () => {
    const { jobs, warnings } = await plan('id,prompt\na,x\n', { keepPartials: true })

    expect(jobs[0]).not.toHaveProperty('keepPartials')
    expect(warnings).toEqual([
      '--keep-partials: no row asks for partial_images, so there are none to keep',
    ])
  })

  test('has only those input pictures looked at that may change behind their name', async () => {
    const text =
      'id,prompt,image\na,x,https://shop.example/a.png\nb,x,s3://bucket/b.png\nc,x,file-9f2c\n' +
      'd,x,"{""image_url"":""https://shop.example/d.png""}"\ne,x,\n'

    const { jobs, warnings, digest } = await plan(text, { checkInputs: true })

    expect(jobs.map(({ checkInputs }) => checkInputs)).toEqual([
      true,
      true,
      undefined,
      undefined,
      undefined,
    ])
    expect(warnings).toEqual([
      '--check-inputs: an image_url is fetched by the API itself, so its bytes are not compared (line 5)',
    ])
    const unchecked = await plan(text)
    expect(unchecked.jobs[0]).not.toHaveProperty('checkInputs')
    expect(unchecked.jobs[0]!.fingerprint).toBe(jobs[0]!.fingerprint)
    expect(unchecked.digest).not.toBe(digest)
  })

  test('warns when there are no input pictures to look at', async () => {
    const { warnings } = await plan('id,prompt\na,x\n', { checkInputs: true })

    expect(warnings).toEqual([
      '--check-inputs: no row has an input picture behind a URL or in a bucket, so there is nothing to compare',
    ])
  })

  test('keeps no partial picture under the name of another row', async () => {
    const text = 'id,prompt,partial_images\na,x,2\na.partial-2,x,\n'

    expect((await plan(text)).jobs).toHaveLength(2)
    expect(await problemsIn(plan(text, { keepPartials: true }))).toEqual([
      'catalog.csv:3 name "catalog/a.partial-2": line 2 has the same object name',
    ])
  })

  test('refuses a retired model on the server of OpenAI, and only warns elsewhere', async () => {
    const text = 'id,prompt,model\n1,x,dall-e-3\n'

    expect(await problemsIn(plan(text, { server: 'openai' }))).toEqual([
      'catalog.csv:2 model "dall-e-3" was shut down on 2026-05-12 (did you mean gpt-image-2?)',
    ])
    expect((await plan(text, { server: 'other' })).warnings).toEqual([
      'dall-e-3 was shut down by OpenAI on 2026-05-12 (line 2)',
    ])
  })
})

test('a list of prompts as researchers publish it is a manifest as it is', async () => {
  const tsv = await readFile('test/fixtures/prompts.tsv', 'utf8')

  const { jobs } = await plan(tsv, { fileName: 'prompts.tsv', set: { quality: 'low' } })

  expect(jobs).toHaveLength(6)
  expect(jobs.every(({ request }) => request.quality === 'low')).toBe(true)
  expect(jobs[2]!.request.prompt).toBe('"G I G G L E" painted in thick letters on a brick wall.')
  expect(jobs[3]!.request.prompt).toBe('The logo of a football club called "The Wanderers"')
  expect(jobs.at(-1)).toMatchObject({ id: '6', key: 'prompts/6' })
})
