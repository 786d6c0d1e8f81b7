import { expect, test } from 'vitest'
import { resultFilter } from '../../../src/cli/retry-rows.ts'
import { jobFor, newRun, resultFor } from '../../helpers/jobs.ts'

const result = resultFor(jobFor(newRun(), 6, { id: 'Mug-7' }), {
  outcome: 'failed',
  errorCode: 'api_unavailable',
  error: 'HTTP 503',
})

test.each([
  ['code=api_unavailable', true],
  ['code=bug', false],
  ['id~mug,row=7', true],
  ['outcome!=refused,error~503', true],
  ['calls=2', false],
])('%s', (where, expected) => {
  expect(resultFilter(where)(result)).toBe(expected)
})

test('a field that results do not have is refused, with the one that was probably meant', () => {
  expect(() => resultFilter('cod=bug')).toThrow('no field "cod": did you mean code?')
  expect(() => resultFilter('category=mug')).toThrow(/no field "category": it has code, error/)
})
