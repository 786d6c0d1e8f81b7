import { expect, test } from 'vitest'
import { ManifestError } from '../../../src/errors.ts'
import { Findings } from '../../../src/producer/findings.ts'
import { problemsOf } from './reading.ts'

test('the list of problems is bounded, the count is exact', () => {
  const findings = new Findings('m.csv')
  for (let line = 1; line <= 5_000; line += 1) {
    findings.problem({ line, message: `${line} is wrong` })
  }

  expect(problemsOf(findings)).toHaveLength(1_000)
  expect(() => findings.throwIfProblems()).toThrow(new ManifestError([], 5_000).message)
})

test('equal problems are one, with the number of its rows and the lines of the first of them', () => {
  const findings = new Findings('m.csv')
  for (let line = 2; line <= 5_001; line += 1) {
    findings.problem({ line, column: 'prompt', message: 'is missing' })
  }
  findings.problem({ line: 7, column: 'id', message: 'is missing' })

  const [prompt, id] = problemsOf(findings)
  expect(prompt).toMatchObject({ line: 2, column: 'prompt', rows: 5_000 })
  expect(prompt!.lines).toHaveLength(200)
  expect(id).toEqual({ file: 'm.csv', line: 7, column: 'id', message: 'is missing' })
  expect(() => findings.throwIfProblems()).toThrow('2 problems')
})

test('what is wrong with a flag comes first, whichever row has shown it', () => {
  const findings = new Findings('m.csv')
  findings.problem({ line: 2, message: 'a' })
  findings.problem({ file: '--set', line: 3, message: 'b' })

  expect(problemsOf(findings).map(({ message }) => message)).toEqual(['b', 'a'])
})

test('problems come in the order of the file', () => {
  const findings = new Findings('m.csv')
  findings.problem({ line: 7, message: 'b' })
  findings.problem({ line: 2, message: 'a' })
  findings.problem({ message: 'whole file' })
  findings.problem({ line: 7, message: 'c' })

  expect(problemsOf(findings).map(({ message }) => message)).toEqual(['whole file', 'a', 'b', 'c'])
})

test('equal warnings are one, with a count and the first line', () => {
  const findings = new Findings('m.csv')
  findings.warn('soon gone', 3)
  findings.warn('soon gone', 4)
  findings.warn('once', 5)
  findings.warn('of the file')

  expect(findings.warnings).toEqual([
    'soon gone (2 rows, first at line 3)',
    'once (line 5)',
    'of the file',
  ])
})

test('different warnings are bounded too', () => {
  const findings = new Findings('m.csv')
  for (let index = 0; index < 150; index += 1) findings.warn(`warning ${index}`)

  expect(findings.warnings).toHaveLength(101)
  expect(findings.warnings.at(-1)).toBe('and 50 more warnings')
})

test('nothing found is nothing thrown', () => {
  expect(() => new Findings('m.csv').throwIfProblems()).not.toThrow()
})
