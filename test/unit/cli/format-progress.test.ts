import { expect, test } from 'vitest'
import { formatLine } from '../../../src/cli/format-progress.ts'
import type { RunBooks } from '../../../src/queue/ledger.ts'
import { entryFor } from '../../helpers/jobs.ts'

const NONE = { succeeded: 0, reused: 0, failed: 0, refused: 0, held: 0, cancelled: 0 }
const COUNTS = { waiting: 0, active: 2, delayed: 0 }

function books(succeeded: number, changes: Partial<RunBooks> = {}): RunBooks {
  return {
    ...entryFor('run_0123456789', 100),
    state: 'running',
    outcomes: { ...NONE, succeeded },
    settled: succeeded,
    pictures: succeeded,
    calls: succeeded,
    unknownCalls: 0,
    costMicroUsd: succeeded * 10_000,
    resultParts: 0,
    ...changes,
  }
}

test('the pace counts only rows of this sitting', () => {
  const live = { elapsedMs: 60_000, previews: 0, since: books(80) }

  expect(formatLine(books(90), COUNTS, live)).toBe(
    'run_0123456789 90 % 90 ok  2 active  10 left  $0.90  10.0 pictures/min  ETA 60 s',
  )
})

test('before anything was rendered in this sitting, no pace is claimed', () => {
  const live = { elapsedMs: 60_000, previews: 0, since: books(80) }

  expect(formatLine(books(80), COUNTS, live)).toMatch(/20 left {2}\$0\.80$/)
})

test('a paused run says so', () => {
  const paused = books(80, { state: 'paused' })

  expect(formatLine(paused, COUNTS, { elapsedMs: 0, previews: 0, since: paused })).toContain(
    '20 left  paused',
  )
})
