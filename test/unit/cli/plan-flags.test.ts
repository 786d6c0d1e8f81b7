import { Command } from 'commander'
import { expect, test } from 'vitest'
import { addPlanFlags, type PlanFlags } from '../../../src/cli/options.ts'
import { termsOf } from '../../../src/cli/plan.ts'
import { plannedCost } from '../../../src/cli/planned-cost.ts'
import { parseRowRanges } from '../../../src/producer/row-ranges.ts'
import { parseWhere } from '../../../src/producer/where.ts'

const parse = (...args: string[]): PlanFlags => {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} })
  return addPlanFlags(command)
    .parse(['m.csv', ...args], { from: 'user' })
    .opts<PlanFlags>()
}

test('lists are separated by commas, in quotes where names have them, and may be repeated', () => {
  expect(parse('--only', 'a, b', '--only', '"c,d"').only).toEqual(['a', 'b', 'c,d'])
  expect(parse('--fill-down', 'Handle,"Body, ""HTML"""').fillDown).toEqual([
    'Handle',
    'Body, "HTML"',
  ])
})

test('conditions and ranges that are given again add to those before', () => {
  const flags = parse('--where', 'a=b', '--rows', '1-3', '--where', 'c~"d,e"', '--rows', '7')

  expect(parseWhere(flags.where!)).toEqual([
    { field: 'a', operator: '=', value: 'b' },
    { field: 'c', operator: '~', value: 'd,e' },
  ])
  expect(parseRowRanges(flags.rows!)).toEqual([
    { from: 1, to: 3 },
    { from: 7, to: 7 },
  ])
})

test('mappings keep their order', () => {
  expect(parse('--map', 'image=Variant Image', '--map', 'image = Image Src').map).toEqual([
    { target: 'image', source: 'Variant Image' },
    { target: 'image', source: 'Image Src' },
  ])
})

test.each([
  [['--map', 'Variant SKU'], /column=source/],
  [['--map', '=x'], /column=source/],
  [['--first', '0'], /a number from 1 on/],
  [['--sample', '1e3'], /a number from 1 to 10000/],
  [['--sample', '10001'], /a number from 1 to 10000/],
  [['--priority', 'urgent'], /high, normal, low/],
])('%j is refused', (args, message) => {
  expect(() => parse(...args)).toThrow(message)
})

test('a run remembers the flags that decided what was planned, as they were written', () => {
  const flags = parse(
    '--where',
    'a=b',
    '--set',
    'n=2',
    '--rows',
    '1-3',
    '--force',
    '--check-inputs',
    '--priority',
    'low',
  )

  expect(termsOf(flags)).toEqual({
    priority: 'low',
    flags: {
      set: { n: '2' },
      existing: 'replace',
      where: 'a=b',
      rows: '1-3',
      force: true,
      checkInputs: true,
    },
  })
  expect(termsOf(parse())).toEqual({ flags: { existing: 'replace' } })
})

test.each([
  [12.3, 0, 'up to about $12.30'],
  [0.0059, 0, 'up to about $0.006'],
  [14_432.557, 3, 'up to about $14,432.56 (3 rows unpriced)'],
  [0.5, 1, 'up to about $0.500 (1 row unpriced)'],
  [null, 7, 'price unknown'],
])('%d with %d unpriced rows: %s', (costPlannedUsd, unpricedRowCount, text) => {
  expect(plannedCost({ costPlannedUsd, unpricedRowCount })).toBe(text)
})
