import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { formatRuns } from '../../../src/cli/format-runs.ts'
import { formatStatus } from '../../../src/cli/format-status.ts'
import type { RunSummary } from '../../../src/report/run-summary.ts'

const next = (words: readonly string[]): string => ['renderq', ...words].join(' ')
const QUEUE = { queue: 'redis://queue', rows: { waiting: 0, active: 0, delayed: 0 } }
const RUN: RunSummary = {
  version: 1,
  run: 'run_0123456789',
  manifest: 'shop',
  state: 'running',
  rows: 10,
  outcomes: { succeeded: 4, reused: 0, failed: 0, refused: 0, held: 0, cancelled: 0 },
  left: 6,
  pictures: 4,
  calls: 4,
  unknownCalls: 0,
  costUsd: 0.2,
  enteredAt: '2026-11-21T12:00:00.000Z',
  finishedAt: null,
}
const status = (facts: object): string =>
  stripVTControlCharacters(
    formatStatus(
      { ...QUEUE, brake: undefined, troubles: [], from: 'ledger', runs: [RUN], ...facts },
      next,
    ),
  )

test('when everyone is stopped, status says why, until when, and the command that goes on', () => {
  const until = Date.parse('2026-11-21T12:30:00Z')
  const brake = { code: 'credentials_refused', reason: 'Incorrect API key', until }

  expect(status({ brake })).toMatch(
    /everyone is stopped: Incorrect API key\n {2}check OPENAI_API_KEY.*\n {2}tried again at 12:30 UTC; at once with {2}renderq resume run_0123456789/,
  )
})

test('a paused run comes with the command that unpauses it', () => {
  expect(status({ runs: [{ ...RUN, state: 'paused' }] })).toMatch(
    /run_0123456789 is paused, go on with {2}renderq unpause run_0123456789$/,
  )
})

test('a run that the queue has lost comes with the command that resumes it', () => {
  expect(status({ lost: RUN.run })).toContain('go on     renderq resume run_0123456789')
})

test('columns in which nothing happened are left out', () => {
  expect(status({})).not.toContain('HELD')
  expect(status({ runs: [{ ...RUN, outcomes: { ...RUN.outcomes, held: 1 } }] })).toContain('HELD')
})

test('runs are listed with what is done, and a cancelled row is not', () => {
  const finishedAt = '2026-11-21T12:01:00.000Z'
  const outcomes = { ...RUN.outcomes, failed: 1, cancelled: 5 }
  const cancelled: RunSummary = { ...RUN, state: 'cancelled', left: 0, outcomes, finishedAt }

  expect(
    formatRuns({ from: 'ledger', runs: [RUN, cancelled] }, { queue: 'redis://queue', next }),
  ).toBe(
    [
      'RUN             MANIFEST  STATE      DONE  LACKING   COST  ENTERED (UTC)     TOOK',
      'run_0123456789  shop      running    4/10        0  $0.20  2026-11-21 12:00',
      'run_0123456789  shop      cancelled  5/10        1  $0.20  2026-11-21 12:00  60 s',
    ].join('\n'),
  )
})

test('runs that only the store knows come with the command that resumes the latest', () => {
  const over: RunSummary = { ...RUN, state: 'finished', finishedAt: RUN.enteredAt }
  const unfinished: RunSummary = { ...RUN, run: 'run_9876543210' }
  const headOf = (runs: RunSummary[]) =>
    formatRuns({ from: 'store', runs }, { queue: 'redis://queue', next }).split('\n')[0]

  expect(headOf([over, unfinished])).toBe(
    'redis://queue knows none of these, they are in the store: go on with  renderq resume run_9876543210',
  )
  expect(headOf([over])).toBe('redis://queue knows none of these, they are in the store')
})

test('a run whose steps fail says why, and since when', () => {
  const since = Date.parse('2026-11-21T12:30:00Z')
  const troubles = [{ run: RUN.run, message: 'no space left', stepsFailed: 4, since }]

  expect(status({ troubles })).toMatch(
    /run_0123456789 can't go on: no space left\n {2}so since 2026-11-21 12:30 UTC, and tried again/,
  )
})

test('runs that only the store knows are listed as such, and an empty list says where others may be', () => {
  expect(status({ from: 'store' })).toContain(
    'redis://queue knows none of these, they are in the store: go on with  renderq resume run_0123456789',
  )
  const hint = 'runs with --emulator are kept apart'
  expect(formatRuns({ from: 'store', runs: [] }, { queue: 'redis://queue', next, hint })).toBe(
    `no runs yet on redis://queue\n${hint}`,
  )
})
