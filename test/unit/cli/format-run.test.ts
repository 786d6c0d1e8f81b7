import { expect, test } from 'vitest'
import { formatRun } from '../../../src/cli/format-run.ts'

const FACTS = {
  version: 1 as const,
  run: 'run_7k3fq8m2xd',
  manifest: 'catalog',
  state: 'finished' as const,
  rows: 1,
  outcomes: { succeeded: 0, reused: 0, failed: 1, refused: 0, held: 0, cancelled: 0 },
  left: 0,
  pictures: 0,
  calls: 0,
  unknownCalls: 0,
  costUsd: 0,
  costPlannedUsd: 0.1223,
  enteredAt: '2026-11-21T12:00:00.000Z',
  finishedAt: '2026-11-21T12:00:09.000Z',
}
const shown = (facts: object) =>
  formatRun(
    { facts: { ...FACTS, ...facts }, isKnownToQueue: true, failures: [], files: [] },
    () => '',
  ).join('\n')

test('what was planned is said as that, whatever became of the rows', () => {
  expect(shown({})).toContain('cost      $0.0000, planned up to about $0.1223')
})

test('the settings are the flags as they were typed', () => {
  const flags = {
    set: { quality: 'low', image: '{{ row["Image Src"] }}' },
    existing: 'replace',
    keepPartials: true,
    map: [{ target: 'id', source: 'Variant SKU' }],
    fillDown: ['Handle', 'Size, cm'],
    first: 5,
    force: false,
  }

  expect(shown({ flags })).toContain(
    `settings  --set quality=low --set 'image={{ row["Image Src"] }}' --existing replace --keep-partials` +
      ` --map 'id=Variant SKU' --fill-down 'Handle,"Size, cm"' --first 5`,
  )
})
