import { describe, expect, test } from 'vitest'
import { failuresTsv } from '../../../../src/report/html/client/copy.js'
import { linkTo } from '../../../../src/report/html/client/links.js'
import { niceTicks } from '../../../../src/report/html/client/plots.js'
import { filtered } from '../../../../src/report/html/client/rows.js'
import type { ReportedOutcome, RowData } from '../../../../src/report/html/report-data.ts'

describe('a location becomes a link', () => {
  test.each([
    ['/renders/mug/a b#1.png', 'file:///renders/mug/a%20b%231.png'],
    ['C:\\renders\\mug.png', 'file:///C:/renders/mug.png'],
    ['../../catalog/50%.png', '../../catalog/50%25.png'],
    ['file:///renders/mug.png', 'file:///renders/mug.png'],
    ['https://cdn.example.com/mug.png', 'https://cdn.example.com/mug.png'],
  ])('%s', (location, href) => {
    expect(linkTo(location)).toBe(href)
  })

  test.each([
    's3://bucket/mug.png',
    'http://example.com/mug.png',
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,<script>',
    '//example.com/mug.png',
    '/\\example.com/mug.png',
    'mug.png',
  ])('not %s', (location) => {
    expect(linkTo(location)).toBeUndefined()
  })
})

describe('failures as tab-separated values', () => {
  test.each([
    ['=1+1', "'=1+1"],
    [' \t@SUM(A1)', "'@SUM(A1)"],
    ['-2', "'-2"],
    ['two\nlines\tand a tab', 'two lines and a tab'],
    ['"quoted" text', '"""quoted"" text"'],
    ['\u001B[31mred', '␛[31mred'],
  ])('%j as a message', (error, cell) => {
    const row = rowWith({ id: 'sku-1', outcome: 'failed', errorCode: 'bug', error })
    expect(failuresTsv([row], { bug: 'report it' }).split('\n')).toEqual([
      'id\toutcome\tcode\tmessage\twhat helps\trequest id',
      `sku-1\tfailed\tbug\t${cell}\treport it\t`,
      '',
    ])
  })
})

test('a filter wants all words, in any case, at the place that was chosen', () => {
  const rows = [
    rowWith({ id: 'mug-1', prompt: 'A red Mug' }),
    rowWith({ id: 'mug-2', prompt: 'a blue mug', columns: { colour: 'blue' } }),
    rowWith({ id: 'lamp', prompt: 'a lamp', outcome: 'failed', errorCode: 'bug', error: 'red' }),
  ]
  const idsOf = (text: string, more: Partial<Parameters<typeof filtered>[1]> = {}) =>
    filtered(rows, {
      text,
      where: 'any',
      outcomes: new Set<ReportedOutcome>(),
      cause: undefined,
      ...more,
    }).map(({ id }) => id)
  expect(idsOf('')).toEqual(['mug-1', 'mug-2', 'lamp'])
  expect(idsOf('MUG red')).toEqual(['mug-1'])
  expect(idsOf('red')).toEqual(['mug-1', 'lamp'])
  expect(idsOf('red', { where: 'error' })).toEqual(['lamp'])
  expect(idsOf('mug', { where: 'id' })).toEqual(['mug-1', 'mug-2'])
  expect(idsOf('blue', { where: 'column:colour' })).toEqual(['mug-2'])
  expect(idsOf('', { outcomes: new Set<ReportedOutcome>(['failed', 'held']) })).toEqual(['lamp'])
  expect(idsOf('', { cause: 'bug' })).toEqual(['lamp'])
  expect(idsOf('', { cause: 'succeeded' })).toEqual([])
})

test.each([
  [0, [0, 1]],
  [4, [0, 1, 2, 3, 4]],
  [105, [0, 50, 100, 150]],
  [0.3, [0, 0.1, 0.2, 0.3]],
])('an axis up to %d has round ticks', (max, ticks) => {
  expect(niceTicks(max).map((tick) => Number(tick.toFixed(6)))).toEqual(ticks)
})

function rowWith(changes: Partial<RowData>): RowData {
  return {
    row: 1,
    id: 'row',
    outcome: 'succeeded',
    operation: 'generate',
    parameters: {},
    inputs: [],
    columns: {},
    keys: [],
    locations: [],
    ...changes,
  }
}
