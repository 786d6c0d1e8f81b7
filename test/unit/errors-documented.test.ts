import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import * as errors from '../../src/errors.ts'
import { WHAT_HELPS, whatHelps } from '../../src/what-helps.ts'

const documented = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const source = await readFile(new URL('../../src/errors.ts', import.meta.url), 'utf8')

/** The last cell of each code's row, without marks. */
const documentedHelp = new Map(
  documented.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim().replaceAll('`', ''))
    return cells.length > 5 ? [[cells[1] ?? '', cells.at(-2) ?? '']] : []
  }),
)

test('docs/errors.md has a row for every error code', () => {
  const codes = [...source.matchAll(/readonly code = '(\w+)'/g)].map(([, code]) => code)

  expect(codes.length).toBeGreaterThan(15)
  expect(codes.filter((code) => !documented.includes(`\n| \`${code}\` |`))).toEqual([])
})

test.each(Object.entries(WHAT_HELPS))('docs/errors.md says what helps against %s', (code, help) => {
  expect(documentedHelp.get(code)).toBe(help)
})

test.each(Object.entries(WHAT_HELPS))('what helps against %s is one short line', (_, help) => {
  expect(help).toMatch(/^[a-z][^\n|`]*[^.\s]$/)
  expect(help.length).toBeLessThan(220)
})

test('a code of another version is looked up', () => {
  expect(whatHelps('brand_new')).toBe('see docs/errors.md')
  expect(whatHelps('constructor')).toBe('see docs/errors.md')
})

test('docs/errors.md names every exit code', () => {
  const table = documented.slice(documented.indexOf('## Exit codes'))

  const missing = Object.values(errors.EXIT).filter(
    (code) => !new RegExp(`\\b${code}\\b`).test(table),
  )

  expect(missing).toEqual([])
})
