/** Rows of a finished run for reports, as a shop's catalog gives them: thousands of them, some of which failed. */
import type { RenderJob, RunId } from '../../src/job.ts'
import type { RowResult } from '../../src/queue/ledger.ts'
import type { ReportRow } from '../../src/report/report-row.ts'
import type { RunDocument } from '../../src/run-document.ts'
import { jobFor, resultFor } from './jobs.ts'

const CATEGORIES = ['mug', 'poster', 't-shirt', 'cushion', 'lamp', 'tote bag', 'notebook']
const COLOURS = ['sand', 'forest green', 'night blue', 'terracotta', 'chalk white']
const SIZES = ['1024x1024', '1536x1024', '1024x1536'] as const
const QUALITIES = ['low', 'medium', 'high'] as const
const START = Date.parse('2026-03-14T02:00:00Z')

/** Every eleventh or so of the rows has no pictures, for one of these. */
const FAILURES: readonly Pick<RowResult, 'outcome' | 'errorCode' | 'error'>[] = [
  {
    outcome: 'refused',
    errorCode: 'content_refused',
    error: 'Your request was rejected by the safety system.',
  },
  {
    outcome: 'failed',
    errorCode: 'input_unavailable',
    error: 'https://cdn.example.com/in.png answered 404',
  },
  {
    outcome: 'failed',
    errorCode: 'request_rejected',
    error: 'Invalid size: must be divisible by 16.',
  },
  {
    outcome: 'held',
    errorCode: 'outcome_unknown',
    error: '5 calls ended without an answer; each may be paid',
  },
]

export interface ReportedRows {
  run: RunId
  count: number
  /** Where each picture lies; undefined when nothing does. */
  keyOf?: (row: number) => string
  locationOf?: (key: string) => string
}

export function* reportRows({
  run,
  count,
  keyOf = (row) => `catalog/sku-${row}.png`,
  locationOf = (key) => `/renders/${key}`,
}: ReportedRows): Generator<ReportRow> {
  for (let row = 0; row < count; row += 1) {
    const job = catalogJob(run, row)
    const failure = row % 11 === 7 ? FAILURES[Math.floor(row / 11) % 9] : undefined
    const result = failure === undefined ? picture(job, keyOf(row)) : failed(job, failure)
    const locations = result.keys.map(locationOf)
    yield { job, line: row + 2, columns: columnsOf(row), result, locations }
  }
}

function catalogJob(run: RunId, row: number): RenderJob {
  const { category, colour } = columnsOf(row)
  return jobFor(run, row, {
    id: `SKU-${String(100_000 + row * 7)}-${(category ?? '').slice(0, 3).toUpperCase()}`,
    key: `catalog/sku-${row}`,
    request: {
      model: row % 5 === 0 ? 'gpt-image-2-mini' : 'gpt-image-2',
      n: 1,
      prompt:
        `Studio photograph of a ${colour} ${category}, number ${row} of the autumn collection, on a plain ` +
        'background with soft light from the left, a slight shadow, the whole product in the frame, no text.',
      quality: QUALITIES[row % 3],
      size: SIZES[row % SIZES.length],
      output_format: 'png',
    },
  })
}

function columnsOf(row: number): Record<string, string> {
  return {
    sku: `SKU-${100_000 + row * 7}`,
    category: CATEGORIES[row % CATEGORIES.length] ?? '',
    colour: COLOURS[(row * 3) % COLOURS.length] ?? '',
    title: `The ${row}th thing of the collection`,
    price_eur: (9.9 + (row % 40)).toFixed(2),
  }
}

function picture(job: RenderJob, key: string): RowResult {
  const isReused = job.row % 17 === 0
  const requestMs = 9_000 + ((job.row * 7_919) % 8_000) + (job.row % 50 === 0 ? 45_000 : 0)
  return resultFor(job, {
    outcome: isReused ? 'reused' : 'succeeded',
    keys: [key],
    byteCount: 1_400_000 + job.row,
    width: 1024,
    height: 1024,
    costUsd: isReused ? null : [0.006, 0.053, 0.211][job.row % 3]!,
    calls: isReused ? 0 : 1,
    elapsedMs: requestMs + 300,
    requestMs: isReused ? null : requestMs,
    endedAt: endedAt(job.row),
    requestId: `req_${job.row.toString(16).padStart(8, '0')}`,
  })
}

function failed(job: RenderJob, failure: Partial<RowResult>): RowResult {
  const unknownCalls = failure.outcome === 'held' ? 5 : 0
  return resultFor(job, {
    keys: [],
    byteCount: 0,
    width: null,
    height: null,
    costUsd: null,
    attempts: 3,
    calls: Math.max(1, unknownCalls),
    unknownCalls,
    requestMs: null,
    endedAt: endedAt(job.row),
    ...failure,
  })
}

/** The pace rises, pauses for a while, and falls. */
const endedAt = (row: number) =>
  START +
  20_000 +
  Math.round(row * 620 + 90_000 * Math.sin(row / 900)) +
  (row > 4_000 ? 400_000 : 0)

/** The document of a run with just these rows. */
export function documentOf(run: RunId, rows: Iterable<ReportRow>): RunDocument {
  const outcomes = { succeeded: 0, reused: 0, failed: 0, refused: 0, held: 0, cancelled: 0 }
  const document: RunDocument = {
    version: 1,
    run,
    manifest: 'autumn-catalog',
    manifestSha256: '9f2c'.repeat(16),
    digest: '00ff'.repeat(16),
    store: 'file:/renders',
    rows: 0,
    picturesPlanned: 0,
    byOperation: { generate: 0, edit: 0, variation: 0 },
    costPlannedUsd: 0,
    parts: [],
    columns: ['sku', 'category', 'colour', 'title', 'price_eur'],
    priority: 'normal',
    flags: { name: '{{ sku }}', existing: 'replace' },
    retryOf: null,
    schedule: null,
    versions: { renderq: '0.1.0', node: '20.20.2' },
    state: 'finished',
    outcomes,
    left: 0,
    pictures: 0,
    calls: 0,
    unknownCalls: 0,
    costUsd: 0,
    enteredAt: new Date(START).toISOString(),
    finishedAt: new Date(START + 60_000).toISOString(),
  }
  for (const { job, result } of rows) {
    document.rows += 1
    document.picturesPlanned += job.request.n
    document.byOperation[job.operation] += 1
    document.costPlannedUsd! += 0.09
    outcomes[result?.outcome ?? 'cancelled'] += 1
    document.pictures += result?.keys.length ?? 0
    document.calls += result?.calls ?? 0
    document.unknownCalls += result?.unknownCalls ?? 0
    document.costUsd += result?.costUsd ?? 0
    const endedMs = result?.endedAt ?? 0
    if (endedMs > Date.parse(document.finishedAt!)) {
      document.finishedAt = new Date(endedMs + 2_000).toISOString()
    }
  }
  return document
}
