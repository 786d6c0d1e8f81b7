import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import { formatFailures } from '../../../src/cli/format-failures.ts'
import { formatStatus } from '../../../src/cli/format-status.ts'
import { noReasons } from '../../../src/reason.ts'
import type { FailureGroup, RowResults } from '../../../src/report/row-results.ts'

const GROUP: FailureGroup = {
  code: 'request_rejected',
  rows: 2,
  ids: ['mug-1', 'mug-2'],
  message: 'bad size',
  isSameMessage: true,
  help: 'correct the row',
}

const results = (...failures: FailureGroup[]): RowResults => ({
  failures,
  reasons: noReasons(),
  unpricedRows: 0,
  folder: '',
})
const next = (words: readonly string[]): string => words.join(' ')
const plain = (lines: readonly string[]): string[] => lines.map(stripVTControlCharacters)

describe('why rows failed', () => {
  test('is a line a cause, with what helps under it', () => {
    const lines = formatFailures(
      results(GROUP, {
        ...GROUP,
        code: 'bug',
        rows: 1,
        ids: ['cup'],
        message: 'odd',
        help: 'tell',
      }),
    )

    expect(plain(lines)).toEqual([
      '  2 request_rejected  mug-1, mug-2: bad size',
      '    correct the row',
      '  1 bug  cup: odd',
      '    tell',
    ])
  })

  test('names a few of many rows, and says that its message is not that of all', () => {
    const lines = formatFailures(results({ ...GROUP, rows: 9_000, isSameMessage: false }))

    expect(plain(lines)).toEqual([
      '  9000 request_rejected  mug-1, mug-2 and 8998 more: bad size (the first; others say something else)',
      '    correct the row',
    ])
  })

  test('cuts ids that nobody would read to their end', () => {
    const [line = ''] = plain(
      formatFailures(results({ ...GROUP, ids: ['x'.repeat(512)], rows: 1 })),
    )

    expect(line).toContain(`${'x'.repeat(39)}…: bad size`)
    expect(line.length).toBeLessThan(80)
  })

  test('says when results are left out', () => {
    expect(formatFailures({ ...results(), leftOut: 'there are too many' })).toEqual([
      '  not all results were read: there are too many',
    ])
  })
})

describe('status', () => {
  const rows = { waiting: 0, active: 0, delayed: 0 }
  const status = { from: 'ledger' as const, queue: 'redis://queue', runs: [], rows, troubles: [] }

  test('of a stopped queue says what helps', () => {
    const brake = { code: 'quota_exhausted', reason: 'no money is left', until: 1 }

    expect(stripVTControlCharacters(formatStatus({ ...status, brake }, next))).toMatch(
      /^everyone is stopped: no money is left\n {2}add credit .*$/m,
    )
  })

  test('of one run ends with why its rows failed', () => {
    const run = {
      version: 1,
      run: 'run_0123456789',
      manifest: 'shop',
      state: 'finished',
      rows: 2,
      outcomes: { succeeded: 0, reused: 0, failed: 2, refused: 0, held: 0, cancelled: 0 },
      left: 0,
      pictures: 0,
      calls: 2,
      unknownCalls: 0,
      costUsd: 0,
      enteredAt: '2026-11-21T12:00:00.000Z',
      finishedAt: null,
    } as const

    const failed = {
      ...status,
      brake: undefined,
      runs: [run],
      results: results(GROUP),
    }
    const text = formatStatus(failed, next)

    expect(stripVTControlCharacters(text)).toMatch(
      /run_0123456789 .*\n\n {2}2 request_rejected {2}mug-1, mug-2: bad size\n {4}correct the row$/,
    )
  })
})
