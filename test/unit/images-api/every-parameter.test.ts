/**
 * Every model, under each of its names, times every operation times every parameter, with values that are
 * taken and values that are not, all the way through the plan. What comes out is written down for reading in
 * test/fixtures/every-parameter.txt: a rule or a message that changes shows there, line by line.
 */
import { expect, test } from 'vitest'
import { IMAGE_MODELS, imageModelOf, MODEL_NAMES } from '../../../src/images-api/models.ts'
import { ManifestError, type ManifestProblem } from '../../../src/errors.ts'
import { OPERATIONS, type ImageRequest, type Operation } from '../../../src/job.ts'
import type { PictureColumn } from '../../../src/producer/columns.ts'
import { plan } from '../producer/planning.ts'

type Parameter = Exclude<keyof ImageRequest, 'model'> | PictureColumn
/** The value of the parameter, and what the row needs beside it to make sense. */
type Probe = [value: unknown, beside?: Partial<Record<Parameter, unknown>>]

const jpeg = { output_format: 'jpeg' }
const gif = { output_format: 'gif' }
const svg = { output_format: 'svg' }
const author = (effort?: string) => ({
  model: 'gpt-6',
  ...(effort !== undefined && { reasoning: { effort } }),
})

const PROBES: Record<Parameter, readonly Probe[]> = {
  prompt: ['', 'x'.repeat(1_001), 'x'.repeat(4_001), 'x'.repeat(32_001)].map((text) => [text]),
  n: [[1], [2], [10], [0], [11], [1.5], ['two'], [2, svg], [2, { stream: true }]],
  size: (
    'auto 256x256 1024x1024 1536x1024 1792x1024 816x816 3840x2160 1025x1024 800x800 3856x1600 ' +
    '3200x3200 3840x1024 1024×1024 big'
  )
    .split(' ')
    .map((size) => [size]),
  quality: ['auto', 'low', 'medium', 'high', 'xhigh', 'max', 'standard', 'hd', 'hihg'].map(
    (word) => [word] as const,
  ),
  background: [
    ['auto'],
    ['opaque'],
    ['transparent'],
    ['transparent', { output_format: 'webp' }],
    ['transparent', jpeg],
    ['transparent', gif],
    ['red'],
  ],
  output_format: ['png', 'jpeg', 'webp', 'gif', 'svg', 'jpg', 'tiff'].map((word) => [word]),
  output_compression: [
    [0, jpeg],
    [100, { output_format: 'webp' }],
    [-1, jpeg],
    [101, jpeg],
    [50],
    [50, gif],
    [50, svg],
  ],
  moderation: [['auto'], ['low'], ['off']],
  input_fidelity: [['low'], ['high'], ['medium']],
  complexity: [['low'], ['medium'], ['high'], ['max']],
  frame_count: [[2, gif], [16, gif], [1, gif], [17, gif], [2.5, gif], [4], [4, svg]],
  frame_duration_ms: [[20, gif], [655_350, gif], [19, gif], [655_351, gif], [100]],
  svg: [
    [author(), svg],
    [author('none'), svg],
    [author('max'), svg],
    [author('hihg'), svg],
    [{ reasoning: {} }, svg],
    ['gpt-6', svg],
    [author()],
  ],
  stream: [[true], [false], ['TRUE'], ['yes'], [true, gif], [true, svg]],
  partial_images: [
    [0],
    [3],
    [-1],
    [4],
    [2, { stream: false }],
    [2, { stream: true }],
    [2, gif],
    [0, svg],
  ],
  style: [['vivid'], ['natural'], ['vivd']],
  response_format: [['url'], ['b64_json'], ['file']],
  user: [['u-17'], ['u'.repeat(513)]],
  safety_identifier: [['u-17'], ['u'.repeat(513)]],
  image: [
    ['s3://b/1.png'],
    [['s3://b/1.png', 's3://b/2.png']],
    [Array.from({ length: 17 }, (_, index) => `s3://b/${index}.png`)],
    ['file-1'],
    [{ image_url: 'https://x.example/a.png' }],
    [{ image_url: 'data:image/png;base64,AAAA' }],
    [{ url: 'https://x.example/a.png' }],
    [null],
  ],
  mask: [['s3://b/m.png'], ['file-1'], ['s3://b/m.png', gif], [['s3://b/m.png', 's3://b/n.png']]],
  markup: [
    ['s3://b/m.png'],
    ['file-1'],
    ['s3://b/m.png', gif],
    ['s3://b/m.png', { mask: 's3://b/m.png' }],
    ['s3://b/m.png', { image: 'file-1' }],
    ['s3://b/m.png', { moderation: 'low' }],
  ],
}

const CASES = (Object.keys(PROBES) as Parameter[]).flatMap((parameter) =>
  PROBES[parameter].map(([value, beside = {}]) => ({
    parameter,
    row: { ...beside, [parameter]: value },
  })),
)

const results = new Map<string, Promise<CaseResult[]>>()
const resultsOf = (model: string, operation: Operation): Promise<CaseResult[]> => {
  const key = `${model} ${operation}`
  results.set(key, results.get(key) ?? plannedEach(model, operation))
  return results.get(key)!
}

interface CaseResult {
  parameter: Parameter
  columns: string[]
  label: string
  /** Without the model's name, which tells two models with the same rules apart. */
  problems: string[]
}

/** One manifest with all cases; a second one with those of them that were found good. */
async function plannedEach(model: string, operation: Operation): Promise<CaseResult[]> {
  const base = {
    ...(operation !== 'variation' && { prompt: 'a mug' }),
    ...(operation !== 'generate' && { image: 's3://b/a.png' }),
  }
  const rows = CASES.map(({ row }, index) => ({
    id: `${index}`,
    model,
    operation,
    ...base,
    ...row,
  }))
  // Not the beginning of a longer name.
  const name = new RegExp(`${imageModelOf(model)?.id}(?![.\\d])`, 'g')
  const problems = await problemsByLine(rows)
  const good = rows.filter((_, index) => !problems.has(index + 1))
  if (good.length > 0) {
    const { jobs } = await plan(jsonLines(good), { fileName: 'good.jsonl' })
    expect(jobs.map(({ id }) => id)).toEqual(good.map(({ id }) => id))
  }
  return CASES.map(({ parameter, row }, index) => ({
    parameter,
    columns: ['prompt', ...Object.keys(row)],
    label: labelOf(parameter, row),
    problems: (problems.get(index + 1) ?? [])
      .map((text) => text.replace(name, '<model>'))
      .toSorted(),
  }))
}

/** A manifest with a problem gives no job at all. */
async function problemsByLine(rows: readonly object[]): Promise<Map<number, string[]>> {
  const error = await plan(jsonLines(rows), { fileName: 'all.jsonl' }).catch(
    (cause: unknown) => cause,
  )
  if (!(error instanceof ManifestError)) throw error
  expect(error.problems).toHaveLength(error.problemCount)
  const byLine = new Map<number, string[]>()
  for (const problem of error.problems) {
    for (const line of problem.lines ?? [problem.line ?? 0]) {
      byLine.set(line, [...(byLine.get(line) ?? []), textOf(problem)])
    }
  }
  return byLine
}

const jsonLines = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')

const textOf = ({ column, message, suggestion }: ManifestProblem): string =>
  `${column} ${message}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`

/** `2`, or `2 (with output_format svg)`. */
function labelOf(parameter: Parameter, row: Partial<Record<Parameter, unknown>>): string {
  const { [parameter]: value, ...beside } = row
  const others = Object.entries(beside).map(([name, other]) => `${name} ${shown(other)}`)
  return others.length === 0 ? shown(value) : `${shown(value)} (with ${others.join(', ')})`
}

function shown(value: unknown): string {
  const text = JSON.stringify(value)
  if (text.length < 70) return text
  return typeof value === 'string' ? `(${value.length} characters)` : `${text.slice(0, 40)}…`
}

const everyPair = MODEL_NAMES.flatMap((model) =>
  OPERATIONS.map((operation) => ({ model, operation })),
)

test.each(everyPair)(
  '$operation with $model: no refusal speaks of what is not in the row',
  async ({ model, operation }) => {
    const results = await resultsOf(model, operation)

    expect(results).toHaveLength(CASES.length)
    for (const { columns, label, problems } of results) {
      for (const problem of problems) {
        expect([...columns, 'operation'], label).toContain(problem.split(' ', 1)[0])
      }
    }
  },
)

test.each(everyPair)(
  '$operation with $model follows the rules of its undated name',
  async (pair) => {
    const { id } = imageModelOf(pair.model)!

    expect(await resultsOf(pair.model, pair.operation)).toEqual(await resultsOf(id, pair.operation))
  },
)

test('the table of all answers', async () => {
  const tables: string[] = []
  for (const operation of OPERATIONS) tables.push(await tableOf(operation))

  await expect(tables.join('\n')).toMatchFileSnapshot('../../fixtures/every-parameter.txt')
})

/** For each value the answer of most models, and below it those of the others. */
async function tableOf(operation: Operation): Promise<string> {
  const offering = IMAGE_MODELS.filter(({ parameters }) => parameters[operation] !== undefined)
  const others = IMAGE_MODELS.filter((model) => !offering.includes(model)).map(({ id }) => id)
  const answers = CASES.map((): [model: string, answer: string][] => [])
  for (const { id } of offering) {
    for (const [index, { problems }] of (await resultsOf(id, operation)).entries()) {
      const answer = problems.length === 0 ? 'taken' : problems.join('; ')
      answers[index]!.push([id, answer])
    }
  }
  const lines = CASES.flatMap(({ parameter, row }, index) => {
    const isFirst = CASES[index - 1]?.parameter !== parameter
    return [
      ...(isFirst ? ['', `${operation} ${parameter}`] : []),
      ...linesOf(labelOf(parameter, row), answers[index]!),
    ]
  })
  const head = others.length === 0 ? [] : [`not offered by ${others.join(', ')}`]
  return [`# ${operation}`, ...head, ...lines, ''].join('\n')
}

function linesOf(label: string, answers: readonly [model: string, answer: string][]): string[] {
  const modelsOf = new Map<string, string[]>()
  for (const [model, answer] of answers) {
    modelsOf.set(answer, [...(modelsOf.get(answer) ?? []), model])
  }
  const [[most] = [''], ...fewer] = [...modelsOf].toSorted(([, a], [, b]) => b.length - a.length)
  return [
    `  ${label}: ${most}`,
    ...fewer.map(([answer, models]) => `    ${models.join(', ')}: ${answer}`),
  ]
}
