import { expect, test } from 'vitest'
import { formatWhy } from '../../../src/cli/format-why.ts'

const BEFORE = `${'x'.repeat(100)} a red mug on oak ${'y'.repeat(100)}`
const AFTER = BEFORE.replace('red', 'dark blue')

test('of two long prompts only the place where they differ is shown', () => {
  const changes = [{ what: 'prompt', was: BEFORE, is: AFTER }]

  expect(formatWhy('run_0123456789/sku-1', { sentences: ['rendered'], changes })).toEqual([
    'run_0123456789/sku-1',
    '  rendered',
    '  what differed:',
    '    prompt',
    `      - …${'x'.repeat(21)} a red mug on oak ${'y'.repeat(12)}…`,
    `      + …${'x'.repeat(21)} a dark blue mug on oak ${'y'.repeat(12)}…`,
  ])
})

test('a value that only one version has stands against none', () => {
  const changes = [{ what: 'mask', was: null, is: '_inputs/m.png' }]

  expect(formatWhy('row', { sentences: [], changes }).slice(-2)).toEqual([
    '      - (none)',
    '      + _inputs/m.png',
  ])
})

test('what came from a manifest cannot steer the terminal', () => {
  const changes = [{ what: 'prompt', was: 'a', is: 'b\u001B[2J\u202Ec' }]

  const lines = formatWhy('row', { sentences: [], changes })

  expect(lines.at(-1)).toBe('      + b [2J c')
})
