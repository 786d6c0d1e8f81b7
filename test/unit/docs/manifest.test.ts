/** docs/manifest.md and jobs/README.md are written by hand, for people; this holds them to the columns and files. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { columnOf, PARAMETERS, PICTURE_COLUMNS } from '../../../src/producer/columns.ts'

const root = new URL('../../../', import.meta.url)
const manifest = readFileSync(new URL('docs/manifest.md', root), 'utf8')
const columns = manifest.slice(manifest.indexOf('## Columns'), manifest.indexOf('### Ids'))
const rows = columns
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(' | '))
const namesIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

test('every column has a row, and every row is a column', () => {
  const documented = rows.flatMap(([names]) => namesIn(names))

  expect(documented.toSorted()).toEqual(
    ['id', 'operation', 'name', ...PICTURE_COLUMNS, ...PARAMETERS].toSorted(),
  )
})

test('other spellings are those of their column', () => {
  const spellings = rows.flatMap((cells) => {
    const [column] = namesIn(cells[0])
    return namesIn(cells.at(-1)?.replace(/ \|$/, '')).map((name) => [name, column])
  })

  expect(spellings.length).toBeGreaterThan(5)
  for (const [spelling = '', column] of spellings) expect(columnOf(spelling)).toBe(column)
})

test('every example is in the list of examples', () => {
  const readme = readFileSync(new URL('jobs/README.md', root), 'utf8')
  const files = readdirSync(new URL('jobs/', root)).filter((name) => /\.(csv|jsonl?)$/.test(name))

  expect(files.length).toBeGreaterThan(5)
  for (const name of files) expect(readme).toContain(`| \`${name}\` |`)
})
