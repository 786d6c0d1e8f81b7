/** The shipped JSON Schemas: current, and of one mind with the readers about what is right. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fileNameOf, SCHEMAS, schemaText } from '../../../src/cli/schema-documents.ts'
import { judgeOf, SCHEMAS_FOLDER } from './schemas.ts'

const JOBS = new URL('../../../jobs/', import.meta.url)
const jobs = (ending: string) => readdirSync(JOBS).filter((name) => name.endsWith(ending))
const readJob = (name: string) => readFileSync(new URL(name, JOBS), 'utf8')

test('the committed files are the generated ones (npm run schemas writes them)', () => {
  expect(readdirSync(SCHEMAS_FOLDER).toSorted()).toEqual(SCHEMAS.map(fileNameOf).toSorted())
  for (const schema of SCHEMAS) {
    expect(readFileSync(new URL(fileNameOf(schema), SCHEMAS_FOLDER), 'utf8')).toBe(
      schemaText(schema),
    )
  }
})

describe('the examples', () => {
  test.each(jobs('.json'))('jobs/%s names its schema and keeps it', (name) => {
    const document = JSON.parse(readJob(name)) as { $schema: string }

    expect(existsSync(new URL(document.$schema, new URL(name, JOBS)))).toBe(true)
    const [, schema = ''] = /\/([a-z-]+)\.schema\.json$/.exec(document.$schema) ?? []
    expect(judgeOf(schema)(document)).toBe('')
  })

  test.each(jobs('.jsonl'))('every line of jobs/%s keeps the schema of lines', (name) => {
    const judge = judgeOf('manifest-line')
    const lines = readJob(name).trim().split('\n')

    expect(lines.length).toBeGreaterThan(2)
    for (const line of lines) expect(judge(JSON.parse(line))).toBe('')
  })
})

const batch = (facts: object) => ({
  custom_id: 'a',
  method: 'POST',
  url: '/v1/images/generations',
  body: { prompt: 'x' },
  ...facts,
})

describe('a row', () => {
  const judge = judgeOf('manifest-line')

  test.each([
    { prompt: 'a mug', n: 2, 'Image Src': 'x.png', attributes: { color: ['red'] } },
    { n: '2', partial_images: ' 3 ', stream: 'TRUE' },
    { n: '{{ count }}', output_compression: '{% if a %}1{% endif %}', stream: '{{ s }}' },
    { n: null, prompt: '', image: null, stream: ' ', svg: null, operation: null },
    { image: ['a.png', { image_url: 'https://a.example/b.png' }, { file_id: 'file-1' }] },
    { images: 'a.png | b.png', format: 'png', compression: 80, count: 1, filename: '{{ id }}' },
    { svg: { model: 'm', reasoning: { effort: 'low' } }, id: 17, prompt: 17 },
    { svg: '{"model":"m"}' },
    { body: { height: 3 }, prompt: 'a vase' },
    { body: 'oak', url: 'https://a.example', prompt: 'a shelf' },
    batch({}),
    batch({ custom_id: 1, method: undefined }),
  ])('is right: %j', (row) => {
    expect(judge(JSON.parse(JSON.stringify(row)))).toBe('')
  })

  test.each([
    { n: 11 },
    { n: 1.5 },
    { n: 'two' },
    { count: 0 },
    { output_compression: 101 },
    { stream: 'yes' },
    { prompt: ['a mug'] },
    { image: 5 },
    { image: [{ url: 'https://a.example/b.png' }] },
    { image: { file_id: 'mug.png' } },
    { svg: { effort: 'low' } },
    batch({ url: '/v1/chat/completions' }),
    batch({ method: 'GET' }),
    batch({ priority: 1 }),
    batch({ body: { promt: 'x' } }),
  ])('is wrong: %j', (row) => {
    expect(judge(row)).not.toBe('')
  })
})

describe('a manifest', () => {
  const judge = judgeOf('manifest')

  test.each([
    [[]],
    [[{ prompt: 'a' }, batch({})]],
    [{ rows: [{ prompt: 'a' }] }],
    [{ $schema: 'x', defaults: { n: '2', brand: 'Acme' }, rows: [batch({})] }],
  ])('is right: %j', (manifest) => {
    expect(judge(manifest)).toBe('')
  })

  test.each([
    ['rows'],
    [{}],
    [{ rows: {} }],
    [[{ n: 11 }]],
    [{ rows: [batch({ url: 'x' })] }],
    [{ rows: [], default: {} }],
    [{ rows: [], defaults: { n: 11 } }],
    [{ rows: [], defaults: { first: 5 } }],
  ])('is wrong: %j', (manifest) => {
    expect(judge(manifest)).not.toBe('')
  })
})

test.each([
  { cron: 5 },
  { settings: { sett: {} } },
  { concurrencyPolicy: 'never' },
  { startingDeadlineSeconds: 0 },
  { name: 'Nightly' },
])('a schedule is wrong with %j', (facts) => {
  const judge = judgeOf('schedules')
  const schedule = { name: 'nightly', cron: '@daily', manifest: 'a.csv' }
  const file = (more: object) =>
    JSON.parse(JSON.stringify({ version: 1, schedules: [{ ...schedule, ...more }] })) as unknown

  expect(judge(file({}))).toBe('')
  expect(judge(file(facts))).not.toBe('')
})
