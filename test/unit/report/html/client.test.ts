import { describe, expect, test } from 'vitest'
import { failuresTsv } from '../../../../src/report/html/client/copy.js'
import { durationText } from '../../../../src/report/html/client/format.js'
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
    ['-2 apples', "'-2 apples"],
    ['-2', '-2'],
    ['＝1+1', "'＝1+1"],
    ['\u200b=1+1', "'\u200b=1+1"],
    ['x;=1+1', "x;'=1+1"],
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
      exactly: undefined,
      ...more,
    }).map(({ id }) => id)
  expect(idsOf('')).toEqual(['mug-1', 'mug-2', 'lamp'])
  expect(idsOf('MUG red')).toEqual(['mug-1'])
  expect(idsOf('red')).toEqual(['mug-1', 'lamp'])
  expect(idsOf('red', { where: 'error' })).toEqual(['lamp'])
  expect(idsOf('mug', { where: 'id' })).toEqual(['mug-1', 'mug-2'])
  expect(idsOf('blue', { where: 'column:colour' })).toEqual(['mug-2'])
  expect(idsOf('', { outcomes: new Set<ReportedOutcome>(['failed', 'held']) })).toEqual(['lamp'])
  expect(idsOf('', { exactly: { field: 'cause', value: 'bug' } })).toEqual(['lamp'])
  expect(idsOf('', { exactly: { field: 'cause', value: 'succeeded' } })).toEqual([])
})

describe('a filter', () => {
  const idsOf = (rows: RowData[], filter: Partial<Parameters<typeof filtered>[1]>) =>
    filtered(rows, {
      text: '',
      where: 'any',
      outcomes: new Set<ReportedOutcome>(),
      exactly: undefined,
      ...filter,
    }).map(({ id }) => id)

  test('for an id lets that row through, and none whose id has it within', () => {
    const rows = ['sku-3', 'sku-30', 'sku-31', 'SKU-3'].map((id) => rowWith({ id }))

    expect(idsOf(rows, { exactly: { field: 'id', value: 'sku-3' } })).toEqual(['sku-3'])
  })

  test('finds accents however they are encoded, in the row and in what is typed', () => {
    const rows = [
      rowWith({ id: 'a', prompt: 'Größe' }),
      rowWith({ id: 'b', prompt: 'Gro\u0308ße' }),
    ]

    expect(idsOf(rows, { text: 'größe' })).toEqual(['a', 'b'])
    expect(idsOf(rows, { text: 'gro\u0308ße' })).toEqual(['a', 'b'])
  })

  test('by a column with a name that objects have of themselves passes over rows that lack it', () => {
    const rows = [rowWith({ id: 'a' }), rowWith({ id: 'b', columns: { toString: 'hello' } })]

    expect(idsOf(rows, { text: 'hello', where: 'column:toString' })).toEqual(['b'])
    expect(idsOf(rows, { text: 'function', where: 'column:toString' })).toEqual([])
  })
})

test.each([
  [0.4, '0 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [9_940, '9.9 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [89_000, '1 min 29 s'],
  [90_000, '1 min 30 s'],
  [119_600, '2 min'],
  [150_000, '2 min 30 s'],
  [599_000, '9 min 59 s'],
  [630_000, '11 min'],
  [3_599_000, '1 h'],
  [5_400_000, '1 h 30 min'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
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
