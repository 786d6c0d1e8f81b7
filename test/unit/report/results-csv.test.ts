import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import type { RowResult } from '../../../src/queue/ledger.ts'
import { resultsCsv } from '../../../src/report/results-csv.ts'
import { jobFor, newRun, resultFor } from '../../helpers/jobs.ts'

const job = jobFor(newRun(), 0)

function lineOf(
  columns: Record<string, unknown>,
  changes: { result?: RowResult | undefined; names?: string[]; locations?: string[] } = {},
) {
  const { names = Object.keys(columns), locations = [] } = changes
  const result = 'result' in changes ? changes.result : resultFor(job)
  const csv = resultsCsv(names)
  const text = csv.header + csv.lineOf({ job, columns, result, locations })
  const [line] = parse(text, { bom: true, columns: true }) as Record<string, string>[]
  return { text, line: line! }
}

test('the manifest’s columns come first, in its order, then how the row ended', () => {
  const { line } = lineOf({ title: 'Mug', sku: 'a' }, { names: ['sku', 'title', 'absent'] })

  expect(Object.keys(line)).toEqual([
    'sku',
    'title',
    'absent',
    '_status',
    '_key',
    '_url',
    '_bytes',
    '_width',
    '_height',
    '_cost_usd',
    '_attempts',
    '_ms',
    '_error_code',
    '_error',
    '_request_id',
  ])
  expect(line).toMatchObject({ sku: 'a', title: 'Mug', absent: '', _status: 'succeeded' })
})

test('of several pictures each is named, as a key and as a URL', () => {
  const result = resultFor(job, { keys: ['a b-1.png', 'a b-2.png'], costUsd: 0.000_000_6 })
  const locations = ['/renders/a b-1.png', 's3://bucket/a b-2.png']

  expect(lineOf({}, { result, locations }).line).toMatchObject({
    _key: 'a b-1.png | a b-2.png',
    _url: 'file:///renders/a%20b-1.png | s3://bucket/a b-2.png',
    _cost_usd: '0.000001',
  })
})

test.each([
  [0.053, '0.053'],
  [0, '0'],
  [12, '12'],
  [100, '100'],
  [0.1 + 0.2, '0.3'],
  [null, ''],
])('%d dollars are written as "%s"', (costUsd, text) => {
  expect(lineOf({}, { result: resultFor(job, { costUsd }) }).line['_cost_usd']).toBe(text)
})

test('a row that never ended was cancelled, and nothing else is known of it', () => {
  const { line } = lineOf({ sku: 'a' }, { result: undefined })

  const { sku, _status, ...others } = line
  expect([sku, _status]).toEqual(['a', 'cancelled'])
  expect(new Set(Object.values(others))).toEqual(new Set(['']))
})

test('columns that an earlier result has left give way to this one', () => {
  const { line } = lineOf({ _status: 'failed', sku: 'a', _error_code: 'old', _note: 'mine' })

  expect(Object.keys(line).slice(0, 3)).toEqual(['sku', '_note', '_status'])
  expect(line).toMatchObject({ _status: 'succeeded', _error_code: '', _note: 'mine' })
})

test('in any case, as a database compares the names of columns', () => {
  const { line } = lineOf({ _Status: 'mine', sku: 'a' })

  expect(Object.keys(line).slice(0, 2)).toEqual(['sku', '_status'])
})

test('a row that lacks a column has an empty cell, also where objects have something of that name', () => {
  const { line } = lineOf({ sku: 'a' }, { names: ['toString', 'valueOf', 'sku'] })

  expect(line).toMatchObject({ toString: '', valueOf: '', sku: 'a' })
})

test('Excel is told that it is UTF-8, and scripts find no return in the last column', () => {
  const { text } = lineOf({ title: 'café' })

  expect(text.startsWith('\ufefftitle,')).toBe(true)
  expect(text).not.toContain('\r')
  expect(text.endsWith('\n')).toBe(true)
})
