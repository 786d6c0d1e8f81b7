/** Names that mean something to JavaScript's objects: refused or harmless, wherever a stranger may write a name. */
import { describe, expect, test } from 'vitest'
import { ManifestError } from '../../src/errors.ts'
import { RenderJob } from '../../src/job.ts'
import { RenderRecord } from '../../src/record.ts'
import { jobFor } from '../helpers/jobs.ts'
import { plan } from '../unit/producer/planning.ts'

const REFUSED = ['__proto__', 'constructor', 'prototype'] as const
const NAMES = [
  ...REFUSED,
  'toString',
  'valueOf',
  'hasOwnProperty',
  'isPrototypeOf',
  '__defineGetter__',
  '__lookupSetter__',
  'toJSON',
  'then',
] as const
const POISON = { polluted: 'yes', isAdmin: true, model: 'evil', n: 10 }

const before = Object.getOwnPropertyNames(Object.prototype).sort()
const seen = { refused: 0, harmless: 0 }

/** Of every object there is or will be. */
function expectCleanPrototypes(): void {
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before)
  const inherited = Object.keys(POISON).filter((name) => name in {} || name in [] || name in Object)
  expect(inherited).toEqual([])
}

/** JSON with an own property of that name, which an object literal would take for something else. */
const json = (name: string, value: unknown = POISON): string =>
  `{${JSON.stringify(name)}:${JSON.stringify(value)}}`

/** The same row with that name beside its own. */
const row = (name: string, value?: unknown): string =>
  `{"id":"1","prompt":"x",${json(name, value).slice(1)}`

async function outcomeOf(planning: ReturnType<typeof plan>): Promise<'refused' | 'harmless'> {
  try {
    const { jobs } = await planning
    expect(jobs).toHaveLength(1)
    expect(jobs[0]).toMatchObject({ id: '1', request: { prompt: 'x', model: 'gpt-image-2', n: 1 } })
    expect(JSON.stringify(jobs)).not.toMatch(/polluted|evil/)
    seen.harmless += 1
    return 'harmless'
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    seen.refused += 1
    return 'refused'
  } finally {
    expectCleanPrototypes()
  }
}

describe.each(NAMES)('%s', (name) => {
  const expected = (REFUSED as readonly string[]).includes(name) ? 'refused' : 'harmless'
  const jsonl = { fileName: 'a.jsonl' }
  const wholeJson = { fileName: 'a.json' }

  test.each([
    ['CSV', `id,prompt,${name}\n1,x,evil\n`],
    ['CSV in quotes', `id,prompt,"${name}"\n1,x,evil\n`],
    ['CSV with blanks', `id,prompt, ${name} \n1,x,evil\n`],
    ['CSV of semicolons', `\uFEFFid;prompt;${name}\n1;x;evil\n`],
  ])('as a header of %s', async (_, text) => {
    expect(await outcomeOf(plan(text))).toBe(expected)
  })

  test('as a column of JSON Lines and JSON', async () => {
    expect(await outcomeOf(plan(row(name), jsonl))).toBe(expected)
    expect(await outcomeOf(plan(`[${row(name)}]`, wholeJson))).toBe(expected)
  })

  test('in the defaults of JSON, and beside them', async () => {
    const rows = '[{"id":"1","prompt":"x"}]'
    const inDefaults = plan(`{"defaults":${json(name)},"rows":${rows}}`, wholeJson)
    expect(await outcomeOf(inDefaults)).toBe(expected)
    const beside = plan(`{${json(name).slice(1, -1)},"rows":${rows}}`, wholeJson)
    expect(await outcomeOf(beside)).toBe('refused')
  })

  test('in a line of a batch file', async () => {
    const head = '"custom_id":"1","method":"POST","url":"/v1/images/generations"'
    const inBody = `{${head},"body":{"prompt":"x",${json(name).slice(1)}}`
    const beside = `{${head},"body":{"prompt":"x"},${json(name).slice(1)}`

    expect(await outcomeOf(plan(inBody, jsonl))).toBe('refused')
    expect(await outcomeOf(plan(beside, jsonl))).toBe('refused')
  })

  test('as --set', async () => {
    const set = JSON.parse(json(name, 'evil')) as Record<string, string>

    expect(await outcomeOf(plan('id,prompt\n1,x\n', { set }))).toBe(expected)
  })

  test('inside of a value', async () => {
    expect(
      await outcomeOf(plan(row('attributes', { inner: 1 }).replace('inner', name), jsonl)),
    ).toBe('harmless')
    for (const column of ['image', 'mask', 'svg', 'n', 'size', 'model']) {
      const cell = JSON.parse(json(name)) as unknown
      expect(await outcomeOf(plan(row(column, cell), jsonl))).toBe('refused')
      expect(await outcomeOf(plan(row(column, [cell]), jsonl))).toBe('refused')
    }
  })

  test('asked for by a template', async () => {
    const templates = [
      `{{ ${name} }}`,
      `{{ row.${name} }}`,
      `{{ row["${name}"] }}`,
      `{{ attributes.${name} }}`,
      `{{ attributes.${name}.${name} }}`,
      `{{ id.${name} }}`,
      `{% assign ${name} = "evil" %}{{ id.${name} }}`,
    ]
    for (const template of templates) {
      const text = JSON.stringify({ id: '1', prompt: template, attributes: { color: 'red' } })
      expect(await outcomeOf(plan(text, jsonl))).toBe('refused')
    }
  })

  test('in a job, at every place where there is an object', () => {
    const job = jobFor('run_0123456789', 0, {
      operation: 'edit',
      images: [{ kind: 'url', url: 'https://shop.example/a.png' }],
      mask: { kind: 's3', url: 's3://shop/mask.png' },
    })
    const text = JSON.stringify(job)
    for (const at of placesIn(text)) {
      const tampered: unknown = JSON.parse(
        `${text.slice(0, at)}${json(name).slice(1, -1)},${text.slice(at)}`,
      )
      expectHarmless(RenderJob.safeParse(tampered), job)
    }
    expectHarmless(RenderJob.safeParse(JSON.parse(json(name, job))), job)
    expect(RenderRecord.safeParse(JSON.parse(json(name))).success).toBe(false)
  })
})

/** Right behind each opening brace. */
const placesIn = (text: string): number[] =>
  [...text.matchAll(/\{(?!\})/g)].map(({ index }) => index + 1)

function expectHarmless(parsed: ReturnType<typeof RenderJob.safeParse>, job: RenderJob): void {
  seen[parsed.success ? 'harmless' : 'refused'] += 1
  expectCleanPrototypes()
  if (!parsed.success) return
  expect(parsed.data).toStrictEqual(job)
  expect(Object.getPrototypeOf(parsed.data)).toBe(Object.prototype)
  expect(Object.getPrototypeOf(parsed.data.request)).toBe(Object.prototype)
  expect('polluted' in parsed.data).toBe(false)
}

test('the sums', () => {
  console.log('names of objects:', seen)
  expect(seen.refused + seen.harmless).toBeGreaterThanOrEqual(300)
})
