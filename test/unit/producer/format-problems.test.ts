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
  [
    { file: 'a.csv', line: 2, column: 'prompt', message: 'is missing', rows: 2, lines: [2, 9] },
    'a.csv:2 prompt is missing (2 rows: lines 2, 9)',
  ],
  [
    { file: '--prompt', line: 2, message: '{{ titel }}: is not there', rows: 60, lines: [2, 3] },
    '--prompt {{ titel }}: is not there (60 rows, first at line 2)',
  ],
  [
    { file: 'a.json', line: 1, message: 'is bad', rows: 3, lines: [1] },
    'a.json:1 is bad (3 rows, first at line 1)',
  ],
  [{ file: 'catalog.csv', line: 2, message: 'is not JSON' }, 'catalog.csv:2 is not JSON'],
  [
    { file: 'a.csv', line: 1, column: 'id', message: '"\u001b[31mred\u202e\n"' },
    'a.csv:1 id "\\u001b[31mred\\u202e\\u000a"',
  ],
])('%j', (problem, text) => {
  expect(formatProblem(problem)).toBe(text)
})
