import { readdir, readFile } from 'node:fs/promises'
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { ReportSummary, RowData } from '../../../src/report/html/report-data.ts'
import { writeReport, type ReportOptions } from '../../../src/report/report-html.ts'
import type { ReportRow } from '../../../src/report/report-row.ts'
import { FolderStore } from '../../../src/storage/folder.ts'
import { newRun } from '../../helpers/jobs.ts'
import { documentOf, reportRows } from '../../helpers/report-rows.ts'
import { tempDir } from '../../helpers/temp.ts'

const run = newRun()

describe('the text of report.html', () => {
  test('keeps every text inside its JSON string', async () => {
    await using dir = await tempDir()
    await fc.assert(
      fc.asyncProperty(fc.array(hostileText(), { minLength: 1, maxLength: 6 }), async (texts) => {
        const rows = texts.map((text, row) => hostileRow(text, row))
        const document = { ...documentOf(run, rows), manifest: texts[0]!, columns: texts }
        const { html, data, summary } = await write(dir.path, { rows, document })

        const elements = html.match(/<[/!a-z][^\s>]*/gi) ?? []
        expect(elements.filter((name) => /^<\/?script/i.test(name))).toEqual([
          '<script',
          '</script',
          '<script',
          '</script',
          '<script',
          '</script',
        ])
        const blocks = jsonBlocks(html).join('')
        expect(blocks).not.toMatch(/[<>&\u2028\u2029\p{Bidi_Control}\uFEFF]/u)
        expect(data.map(({ id }) => id)).toEqual(texts)
        expect(data.map(({ prompt }) => prompt)).toEqual(texts)
        expect(data.map(({ error }) => error)).toEqual(texts)
        expect(summary.run.manifest).toBe(texts[0])
      }),
      { numRuns: 60 },
    )
  })

  test('lets nothing run or load but its own script and style', async () => {
    await using dir = await tempDir()
    const { html } = await write(dir.path, { rows: [...reportRows({ run, count: 3 })] })
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? ''
    const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? ''
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      'img-src data:',
      `style-src '${sha256(style)}'`,
      `script-src '${sha256(script)}'`,
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
    expect(script).not.toMatch(
      /^(?:import|export) |innerHTML|insertAdjacentHTML|document\.write|eval\(/m,
    )
    expect(html).not.toMatch(/(?:src|href)="(?!#|data:)/)
  })
})

describe('the sums of report.html', () => {
  test('equal a recount of the rows', async () => {
    await using dir = await tempDir()
    const rows = [...reportRows({ run, count: 1_500 })]
    const { data, summary } = await write(dir.path, { rows })
    expect(data).toHaveLength(rows.length)
    expect(summary.rowsListed).toBe(rows.length)
    expect(summary.counted).toEqual({ ...summary.run.outcomes, left: 0 })
    for (const [outcome, count] of Object.entries(summary.counted)) {
      expect(data.filter((row) => row.outcome === outcome)).toHaveLength(count)
    }
    const failures = data.filter(({ errorCode }) => errorCode !== undefined)
    expect(sum(summary.causes.map((cause) => cause.rows))).toBe(failures.length)
    for (const { code, rows: count, ids, messages } of summary.causes) {
      const ofCode = failures.filter(({ errorCode }) => errorCode === code)
      expect(count).toBe(ofCode.length)
      expect(ids).toEqual(ofCode.slice(0, ids.length).map(({ id }) => id))
      expect(messages[0]).toEqual({ text: ofCode[0]?.error, rows: count })
    }
    const rendered = data.filter(({ outcome }) => outcome === 'succeeded')
    expect(sum(summary.pace?.pictures ?? [])).toBe(rendered.length)
    expect(sum(summary.latency?.counts ?? [])).toBe(rendered.length)
  })

  test('divide the cost by every parameter and by columns of few values, without losing any', async () => {
    await using dir = await tempDir()
    const rows = [...reportRows({ run, count: 900 })]
    const { data, summary } = await write(dir.path, { rows })
    const costUsd = sum(data.map((row) => row.costUsd ?? 0))
    const names = summary.costs.map(({ name }) => name)
    const parameters = ['model', 'size', 'quality', 'output_format', 'operation']
    expect(names).toEqual([...parameters, 'category', 'colour'])
    for (const { groups } of summary.costs) {
      expect(sum(groups.map((group) => group.costUsd))).toBeCloseTo(costUsd, 6)
      expect(sum(groups.map((group) => group.rows))).toBe(rows.length)
    }
    const high = data.filter(({ parameters }) => parameters['quality'] === 'high')
    const group = summary.costs[2]?.groups.find(({ value }) => value === 'high')
    expect(group?.costUsd).toBeCloseTo(sum(high.map((row) => row.costUsd ?? 0)), 6)
  })

  test('tell percentiles to some percent, and the pace of a run of any length', async () => {
    await using dir = await tempDir()
    const [row] = reportRows({ run, count: 1 })
    const start = Date.parse('2026-03-14T02:00:00Z')
    const rows = Array.from({ length: 1_000 }, (_, at) => ({
      ...row!,
      result: {
        ...row!.result!,
        outcome: 'succeeded' as const,
        requestMs: 1_000 + at * 10,
        endedAt: start + at * 3_600_000,
      },
    }))
    const { summary } = await write(dir.path, { rows })
    const { p50Ms, p99Ms } = summary.latency!
    expect(Math.abs(p50Ms / 6_000 - 1)).toBeLessThan(0.06)
    expect(Math.abs(p99Ms / 10_900 - 1)).toBeLessThan(0.06)
    expect(sum(summary.pace!.pictures)).toBe(1_000)
    expect(summary.pace!.pictures.length).toBeLessThanOrEqual(120)
    expect(summary.pace!.bucketMs * summary.pace!.pictures.length).toBeGreaterThanOrEqual(
      999 * 3_600_000,
    )
  })

  test('count messages as one that differ in nothing but the request they name', async () => {
    await using dir = await tempDir()
    const errors = ['busy, see req_0a1', 'busy, see req_0b2', 'gone, see req_0c3']
    const rows: ReportRow[] = [...reportRows({ run, count: 3 })].map((row, at) => ({
      ...row,
      result: { ...row.result!, outcome: 'failed', errorCode: 'server_error', error: errors[at]! },
    }))
    const { summary } = await write(dir.path, { rows })
    expect(summary.causes).toMatchObject([
      {
        messages: [
          { text: 'busy, see req_…', rows: 2 },
          { text: 'gone, see req_0c3', rows: 1 },
        ],
      },
    ])
  })

  test('count a row that never ended with the cancelled ones', async () => {
    await using dir = await tempDir()
    const rows: ReportRow[] = [...reportRows({ run, count: 20 })].map((row, at) =>
      at < 15 ? row : { ...row, result: undefined, locations: [] },
    )
    const document = { ...documentOf(run, rows), state: 'cancelled' as const }
    const { data, summary } = await write(dir.path, { rows, document })
    expect(summary.counted.cancelled).toBe(5)
    expect(data.at(-1)).toMatchObject({ outcome: 'cancelled', keys: [] })
    expect(summary.causes).toContainEqual(expect.objectContaining({ code: 'cancelled', rows: 5 }))
  })
})

test('a run too large for a page keeps its failures listed and its sums whole', async () => {
  await using dir = await tempDir()
  const prompt = 'ö'.repeat(32_000)
  const rows = [...reportRows({ run, count: 1_400 })].map(({ job, ...row }) => ({
    ...row,
    job: { ...job, request: { ...job.request, prompt } },
  }))
  const { data, summary } = await write(dir.path, { rows })
  const isFailure = ({ errorCode }: RowData) => errorCode !== undefined
  const failures = rows.filter(({ result }) => result?.errorCode !== null)
  expect(summary.rowsListed).toBe(data.length)
  expect(data.length).toBeLessThan(1_200)
  expect(data.filter(isFailure).map(({ id }) => id)).toEqual(failures.map(({ job }) => job.id))
  expect(sum(Object.values(summary.counted))).toBe(rows.length)
  expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(80 * 1024 * 1024)
})

describe('thumbnails', () => {
  test('are small webp pictures; an SVG only comes as pixels', async () => {
    await using dir = await tempDir()
    await using store = new FolderStore(dir.join('renders'))
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400"><rect width="800" height="400" fill="red"/></svg>'
    await put(store, { 'a.svg': Buffer.from(svg), 'a.png': await somePicture(1_024) })
    const rows = [...reportRows({ run, count: 2, keyOf: (row) => ['a.svg', 'a.png'][row]! })]
    const { html, data, summary } = await write(dir.path, { rows, store })
    expect(summary.thumbnails).toBe(2)
    expect(html).not.toContain('xmlns="http')
    for (const { thumbnail } of data) {
      const bytes = Buffer.from(thumbnail!.replace('data:image/webp;base64,', ''), 'base64')
      const { format, width, height } = await sharp(bytes).metadata()
      expect({ format, side: Math.max(width, height) }).toEqual({ format: 'webp', side: 160 })
      expect(bytes.length).toBeLessThan(6_000)
    }
  })

  test('never fail the report: missing, broken and too many pictures are said to be so', async () => {
    await using dir = await tempDir()
    await using store = new FolderStore(dir.join('renders'))
    const whole = await somePicture(64)
    await put(store, {
      '1.png': whole.subarray(0, 60),
      '2.png': Buffer.from('no picture'),
      '3.png': whole,
    })
    const rows = [...reportRows({ run, count: 6, keyOf: (row) => `${Math.min(row, 3)}.png` })]
    const { data } = await write(dir.path, { rows, store, thumbnailsMax: 4 })
    expect(data.map(({ noThumbnail }) => noThumbnail)).toEqual([
      'missing',
      'unreadable',
      'unreadable',
      undefined,
      'beyond-count',
      'beyond-count',
    ])
  })
})

test('a report that fails leaves no file behind', async () => {
  await using dir = await tempDir()
  const [row] = reportRows({ run, count: 1 })
  async function* breaking() {
    yield row!
    throw new Error('a part of the results is missing')
  }
  const document = documentOf(run, [row!])
  await using store = new FolderStore(dir.join('renders'))
  const options = { rows: breaking(), run: document, store, file: dir.join('report.html') }
  await expect(writeReport(options)).rejects.toThrow('a part of the results is missing')
  const cancelled = { ...options, rows: streamed([row!]), signal: AbortSignal.abort() }
  await expect(writeReport(cancelled)).rejects.toThrow('aborted')
  expect(await readdir(dir.path)).not.toContain('report.html')
})

interface Written {
  html: string
  data: RowData[]
  summary: ReportSummary
}

async function write(
  folder: string,
  options: {
    rows: ReportRow[]
    document?: ReportOptions['run']
    store?: FolderStore
    thumbnailsMax?: number
  },
): Promise<Written> {
  const { rows, document = documentOf(run, rows), thumbnailsMax = 100 } = options
  const store = options.store ?? new FolderStore(`${folder}/renders`)
  const file = `${folder}/report.html`
  await writeReport({ rows: streamed(rows), run: document, store, file, thumbnailsMax })
  const html = await readFile(file, 'utf8')
  const [data, summary] = jsonBlocks(html).map((text) => JSON.parse(text) as unknown)
  return { html, data: data as RowData[], summary: summary as ReportSummary }
}

const jsonBlocks = (html: string) =>
  [...html.matchAll(/<script type="application\/json" id="[a-z-]+">([\s\S]*?)<\/script>/g)].map(
    ([, text]) => text ?? '',
  )

const HOSTILE_PARTS = [
  '</script>',
  '<script>',
  '</SCRIPT\n>',
  '<!--',
  '-->',
  ']]>',
  '<svg onload=x>',
  '&lt;',
  '"',
  "'",
  '\\',
  '\u2028',
  '\u2029',
  '\u202E',
  '\u2066',
  '\uFEFF',
  '\u001B[31m',
  '\u0000',
  '\uD800',
  '__proto__',
] as const

const hostileText = () =>
  fc
    .array(
      fc.oneof(fc.constantFrom(...HOSTILE_PARTS), fc.string({ unit: 'binary', maxLength: 8 })),
      { minLength: 1, maxLength: 6 },
    )
    .map((parts) => parts.join(''))

function hostileRow(text: string, row: number): ReportRow {
  const [plain] = reportRows({ run, count: 1 })
  const { job, result } = plain!
  return {
    job: { ...job, row, id: text, request: { ...job.request, prompt: text, user: text } },
    columns: { [text]: text },
    result: {
      ...result!,
      row,
      id: text,
      outcome: 'failed',
      keys: [],
      errorCode: text,
      error: text,
    },
    locations: [],
  }
}

const sha256 = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

const somePicture = (side: number) =>
  sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .blur(8)
    .png()
    .toBuffer()

async function put(store: FolderStore, pictures: Record<string, Buffer>): Promise<void> {
  for (const [key, bytes] of Object.entries(pictures)) {
    await store.put(key, bytes, { contentType: 'image/png', when: 'always' })
  }
}

async function* streamed<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}
