import { expect, test } from 'vitest'
import { formatProblem } from '../../../src/producer/format-problems.ts'

test.each([
  [
    {
      file: 'catalog.csv',
      line: 17,
      column: 'size',
      message: '"1025x1024": both edges must be divisible by 16',
      suggestion: '1024x1024',
    },
    'catalog.csv:17 size "1025x1024": both edges must be divisible by 16 (did you mean 1024x1024?)',
  ],
  [{ file: 'catalog.csv', message: 'is empty' }, 'catalog.csv is empty'],
  [{ file: 'catalog.csv', line: 2, message: 'is not JSON' }, 'catalog.csv:2 is not JSON'],
  [
    { file: 'a.csv', line: 1, column: 'id', message: '"\u001b[31mred\u202e\n"' },
    'a.csv:1 id "\\u001b[31mred\\u202e\\u000a"',
  ],
])('%j', (problem, text) => {
  expect(formatProblem(problem)).toBe(text)
})
