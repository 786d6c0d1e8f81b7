import { expect, test } from 'vitest'
import { formatReasons } from '../../../src/cli/format-reasons.ts'
import { formatRun } from '../../../src/cli/format-run.ts'
import { noReasons } from '../../../src/reason.ts'

test.each([
  [{}, undefined],
  [{ changed: 3, unchanged: 57 }, '3 rendered: changed; 57 reused: unchanged'],
  [{ new: 1, 'input-changed': 3 }, '4 rendered: 1 new, 3 input-changed'],
  [
    { forced: 1, 'record-missing': 2, kept: 1, unchanged: 1 },
    '1 rendered: forced; 2 not called: record-missing; 2 reused: 1 unchanged, 1 kept',
  ],
])('%j: %s', (counts, line) => {
  expect(formatReasons({ ...noReasons(), ...counts })).toBe(line)
})

test('a run that is over shows them', () => {
  const facts = {
    version: 1 as const,
    run: 'run_7k3fq8m2xd',
    manifest: 'catalog',
    state: 'finished' as const,
    rows: 3,
    outcomes: { succeeded: 1, reused: 2, failed: 0, refused: 0, held: 0, cancelled: 0 },
    reasons: { ...noReasons(), changed: 1, unchanged: 2 },
    left: 0,
    pictures: 1,
    calls: 1,
    unknownCalls: 0,
    costUsd: 0.01,
    enteredAt: '2026-11-21T12:00:00.000Z',
    finishedAt: '2026-11-21T12:00:09.000Z',
  }

  const lines = formatRun({ facts, isKnownToQueue: true, failures: [], files: [] }, () => '')

  expect(lines.join('\n')).toMatch(/\n {2}why +1 rendered: changed; 2 reused: unchanged\n/)
})
