import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import * as errors from '../../src/errors.ts'

const documented = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const source = await readFile(new URL('../../src/errors.ts', import.meta.url), 'utf8')

test('docs/errors.md has a row for every error code', () => {
  const codes = [...source.matchAll(/readonly code = '(\w+)'/g)].map(([, code]) => code)

  expect(codes.length).toBeGreaterThan(15)
  expect(codes.filter((code) => !documented.includes(`\n| \`${code}\` |`))).toEqual([])
})

test('docs/errors.md names every exit code', () => {
  const table = documented.slice(documented.indexOf('## Exit codes'))

  const missing = Object.values(errors.EXIT).filter(
    (code) => !new RegExp(`\\b${code}\\b`).test(table),
  )

  expect(missing).toEqual([])
})
