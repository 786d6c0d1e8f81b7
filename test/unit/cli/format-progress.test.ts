import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { formatBlock, formatLine } from '../../../src/cli/format-progress.ts'
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
    'run_0123456789 90 % 90 ok  2 active  10 left  $0.90  ETA 60 s  10.0 pictures/min',
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

test('once all rows are settled nobody is said to be active', () => {
  const live = { elapsedMs: 60_000, previews: 0, since: books(80) }

  expect(formatLine(books(100), COUNTS, live)).toContain('100 % 100 ok  0 left')
})

test('a narrow terminal gets whole words only, the time that is left before the pace', () => {
  const outcomes = { ...NONE, succeeded: 5_000, reused: 1_200, failed: 3 }
  const many = books(5_000, { rowCount: 10_000, settled: 6_203, outcomes })
  const live = { elapsedMs: 600_000, previews: 0, since: books(0) }
  const shown = (width: number) =>
    stripVTControlCharacters(formatBlock(many, COUNTS, { ...live, width }).join())

  expect(shown(80)).toBe(
    ' 62 %  5000 ok  1200 reused  3 failed  2 active  3797 left  $50.00  ETA 8 min',
  )
  expect(shown(100)).toMatch(/^ █{7}░{5} 62 % .* ETA 8 min$/)
  expect(shown(140)).toMatch(/ETA 8 min {2}500\.0 pictures\/min$/)
  expect(shown(20).length).toBeLessThanOrEqual(20)
})
