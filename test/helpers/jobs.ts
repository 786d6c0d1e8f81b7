import { randomBytes } from 'node:crypto'
import { fingerprintOf, RenderJob, type RunId } from '../../src/job.ts'
import type { RowResult, RunEntry } from '../../src/queue/ledger.ts'
import type { Delivery } from '../../src/queue/queue.ts'
import type { PictureEntry, RenderRecord } from '../../src/record.ts'

export function newRun(): RunId {
  return `run_${randomBytes(5).toString('hex')}`
}

export function jobFor(run: RunId, row: number, changes: Partial<RenderJob> = {}): RenderJob {
  const job = {
    version: 1 as const,
    run,
    row,
    id: `row-${row}`,
    operation: 'generate' as const,
    request: { model: 'gpt-image-2', n: 1, prompt: `picture ${row} of ${run}`, quality: 'low' },
    images: [],
    key: `test/row-${row}`,
    existing: 'replace' as const,
    ...changes,
  }
  return RenderJob.parse({ fingerprint: fingerprintOf(job), ...job })
}

export function entryFor(run: RunId, rowCount: number, changes: Partial<RunEntry> = {}): RunEntry {
  return {
    run,
    manifest: 'test',
    digest: `digest of ${run}`,
    rowCount,
    store: 'file:/test',
    parts: [{ firstRow: 0, rowCount }],
    enteredAt: 1_700_000_000_000,
    ...changes,
  }
}

export function resultFor(job: RenderJob, changes: Partial<RowResult> = {}): RowResult {
  return {
    row: job.row,
    id: job.id,
    outcome: 'succeeded',
    keys: [`${job.key}.png`],
    byteCount: 10,
    width: 1,
    height: 1,
    costUsd: 0.005,
    attempts: 1,
    calls: 1,
    unknownCalls: 0,
    elapsedMs: 1,
    requestMs: 1,
    endedAt: 1_700_000_000_500,
    errorCode: null,
    error: null,
    requestId: null,
    fingerprint: job.fingerprint,
    ...changes,
  }
}

const RECORDED_AT = '2026-11-21T12:00:00.000Z'

/** As it is written once the row's one picture is stored. */
export function recordFor(job: RenderJob, changes: Partial<RenderRecord> = {}): RenderRecord {
  const { version, fingerprint, run, row, id, operation, request } = job
  return {
    version,
    fingerprint,
    run,
    row,
    id,
    operation,
    request,
    inputs: [],
    mask: null,
    markup: null,
    pictures: [pictureFor(job)],
    previews: [],
    usage: null,
    costUsd: null,
    priceTableDate: null,
    resolved: {},
    server: 'http://api',
    requestId: null,
    timings: { startedAt: RECORDED_AT, finishedAt: RECORDED_AT, requestMs: null },
    attempts: 1,
    calls: 1,
    unknownCalls: 0,
    warnings: [],
    ...changes,
  }
}

const pictureFor = ({ key }: RenderJob): PictureEntry => ({
  index: 0,
  key: `${key}.png`,
  byteCount: 10,
  width: 1,
  height: 1,
  mediaType: 'image/png',
  sha256: 'a'.repeat(64),
})

/** The first of a row, of which nothing is known yet. */
export const FIRST_DELIVERY: Delivery = {
  attempt: 1,
  isLastAttempt: false,
  stopping: new AbortController().signal,
  abandoned: new AbortController().signal,
  earlierAttempts: [],
  remember: async () => {},
}
