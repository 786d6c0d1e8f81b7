/** No cell of `results.csv` is a formula, and none is changed more than that takes. */
import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvCell } from '../../../src/report/csv-cells.ts'
import { resultsCsv } from '../../../src/report/results-csv.ts'
import { jobFor, newRun, resultFor } from '../../helpers/jobs.ts'

describe('a cell for spreadsheets', () => {
  test.each<[unknown, string]>([
    ['=1+1', "'=1+1"],
    ['+cmd|x', "'+cmd|x"],
    ['-cmd', "'-cmd"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1', "'  =1"],
    ['\0=1', "'\0=1"],
    ['\u00a0\u200b\ufeff=1', "'\u00a0\u200b\ufeff=1"],
    ['\tx', "'\tx"],
    ['\rx', "'\rx"],
    ['\t=1', "'\t'=1"],
    ['＝1', "'＝1"],
    ['＋1', "'＋1"],
    ['－x', "'－x"],
    ['＠x', "'＠x"],
    ['fine\n=1', "fine\n'=1"],
    ['fine\n\n=1', "fine\n\n'=1"],
    ['fine\r\n  +x', "fine\r\n'  +x"],
    ['a list:\n- one\n- two', "a list:\n'- one\n'- two"],
    // Where the comma is the decimal sign, spreadsheets split the lines of a CSV at the semicolon.
    ['x;=1;', "x;'=1;"],
    ['x\t=1', "x\t'=1"],
    ['-1+cmd', "'-1+cmd"],
    ['+49 30 1234', "'+49 30 1234"],
    ['-5', '-5'],
    [-5, '-5'],
    ['+49.50', '+49.50'],
    ['-1,299.00 %', '-1,299.00 %'],
    ['-2e-3', '-2e-3'],
    ['2026-11-21', '2026-11-21'],
    ['a = b', 'a = b'],
    ["'=1", "'=1"],
    [true, 'true'],
    [null, ''],
    [undefined, ''],
    [{ '=a': ['=b'] }, '{"=a":["=b"]}'],
  ])('%j is %j', (value, cell) => {
    expect(csvCell(value)).toBe(cell)
  })
})

/** Read from the plan's words, not from the code: blanks of every kind, then what starts a formula. */
const startsFormula = (text: string) => {
  const seen = text.replace(/^[\s\p{Cc}\p{Cf}]+/u, '')
  return /^[=+\-@＝＋－＠]/.test(seen) || /^[\t\r]/.test(text)
}
const isNumber = (text: string) => /^ *[+-]?[.,]?\d[\d.,]*(e[+-]?\d+)? ?%? *$/i.test(text)

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'=+-@＝＋－＠;,"\' \t\n\r\0\v\u00a0\u200b\u2028'.split('')),
      fc.constantFrom('\r\n', '""', '5', '-5', 'a', 'é', '=cmd()'),
      fc.string({ maxLength: 3, unit: 'binary' }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(''))

/** A table of one row, written and read again. */
function readBack(columns: Readonly<Record<string, string>>) {
  const csv = resultsCsv(Object.keys(columns))
  const job = jobFor(newRun(), 0)
  const line = csv.lineOf({ job, columns, result: resultFor(job), locations: [] })
  return parse(csv.header + line, { bom: true, relax_column_count: false })
}

/** A number, or nothing but apostrophes was added, only where something might be a formula, and it is none now. */
function isSafeCopy(value: string, cell: string): boolean {
  if (isNumber(value) && cell === value) return true
  if (!/[=+\-@＝＋－＠\t\r]/.test(value)) return cell === value
  const beginnings = cell.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029;\t]/)
  const isSafe = !/^[\t\r]/.test(cell) && !beginnings.some(startsFormula)
  return isSafe && cell.replaceAll("'", '') === value.replaceAll("'", '')
}

describe('whatever a manifest holds', () => {
  test('no cell starts a formula in any line, and all else comes back as it was', () => {
    fc.assert(
      fc.property(fc.array(hostile, { minLength: 1, maxLength: 5 }), (values) => {
        const columns = Object.fromEntries(values.map((value, index) => [`c${index}`, value]))
        const [header, cells, ...others] = readBack(columns)

        expect(others).toEqual([])
        expect(cells).toHaveLength(header!.length)
        expect(values.filter((value, index) => !isSafeCopy(value, cells![index]!))).toEqual([])
      }),
      { numRuns: 500 },
    )
  })

  test('the names of its columns are no formulas either', () => {
    expect(readBack({ '=cmd()': 'x' })[0]?.[0]).toBe("'=cmd()")
  })
})
