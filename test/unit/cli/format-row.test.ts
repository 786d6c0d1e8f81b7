import { expect, test } from 'vitest'
import { formatRow } from '../../../src/cli/format-row.ts'
import type { RowDetails } from '../../../src/report/show-row.ts'
import { EARLIER_ATTEMPTS_MAX, type EarlierAttempt } from '../../../src/row-result.ts'
import { jobFor, newRun, resultFor } from '../../helpers/jobs.ts'

const run = newRun()
const job = jobFor(run, 0)
const T = Date.UTC(2026, 0, 31, 12, 0, 0)

const rateLimited: EarlierAttempt = {
  startedAt: T,
  elapsedMs: 300,
  call: 'unpaid',
  errorCode: 'rate_limited',
  error: 'too many requests',
  requestId: 'req_1',
}

function detailsWith(earlierAttempts: EarlierAttempt[]): RowDetails {
  const result = resultFor(job, {
    outcome: 'succeeded',
    endedAt: T + 20_000,
    elapsedMs: 4_000,
    earlierAttempts,
  })
  const planned = { line: 2, job, columns: {} } as unknown as RowDetails['planned']
  const outcome = result.outcome
  return { run, manifest: 'm.csv', rowCount: 1, planned, outcome, result, pictures: [] }
}

const triesIn = (details: RowDetails) =>
  formatRow(details, (words) => words.join(' ')).filter((line) => line.startsWith('  try'))

test('every try is shown with the wait before it, what came of it and what it may cost', () => {
  const timedOut = { ...rateLimited, startedAt: T + 1_300, elapsedMs: 12_000 }
  const attempts: EarlierAttempt[] = [
    rateLimited,
    { ...timedOut, errorCode: 'outcome_unknown', call: 'presumed-paid', requestId: null },
  ]

  expect(triesIn(detailsWith(attempts))).toEqual([
    '  try  2026-01-31 12:00:00 UTC, 0.3 s: rate_limited: too many requests (not charged, request req_1)',
    '  try  after a wait of 1.0 s, 12 s: outcome_unknown: too many requests (may be charged)',
    '  try  after a wait of 2.7 s, 4.0 s: succeeded',
  ])
})

test('a row that ended at its first try needs no list; a long list says that it is not whole', () => {
  expect(triesIn(detailsWith([]))).toEqual([])

  const many = Array.from({ length: EARLIER_ATTEMPTS_MAX }, () => rateLimited)
  expect(triesIn(detailsWith(many))[0]).toBe('  try  those before these were not kept')
})

test('says where the row stands in the run, and where in the manifest, which may have more rows', () => {
  const placeOf = (line?: number) => {
    const { planned, ...details } = detailsWith([])
    const selected = { ...planned, line, job: { ...job, row: 29 } }
    return formatRow({ ...details, rowCount: 30, planned: selected }, () => '')[1]
  }

  expect(placeOf(292)).toBe('  row 30 of 30 of the run, line 292 of m.csv')
  expect(placeOf()).toBe('  row 30 of 30 of the run, of m.csv')
})
