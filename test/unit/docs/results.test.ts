/** docs/results.md is written by hand; this holds it to the files, columns and schemas there are. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SCHEMAS } from '../../../src/cli/schema-documents.ts'
import { RESULT_COLUMNS } from '../../../src/report/results-csv.ts'

const page = readFileSync(new URL('../../../docs/results.md', import.meta.url), 'utf8')
const section = (title: string) => page.split(/^## /m).find((text) => text.startsWith(`${title}\n`))
/** What stands in the first cells, in their order. */
const namesIn = (text = '') =>
  [...text.matchAll(/^\| (`[^|]+?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  )

test('every column of results.csv has its row, in its order', () => {
  expect(namesIn(section('results.csv'))).toEqual([...RESULT_COLUMNS])
})

test('every schema has its row', () => {
  expect(namesIn(section('JSON Schemas'))).toEqual(SCHEMAS.map(({ name }) => name))
})
