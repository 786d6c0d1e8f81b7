import { randomBytes } from 'node:crypto'
import { fingerprintOf, RenderJob, type RunId } from '../../src/job.ts'
import type { RowResult, RunEntry } from '../../src/queue/ledger.ts'

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
