import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { readableLine } from '../../src/log-line.ts'

const shown = (line: object) =>
  stripVTControlCharacters(
    readableLine(JSON.stringify({ level: 40, time: '2026-11-21T08:14:03.123Z', ...line })),
  )

test('a line has the time, the level, what happened, its facts, the error and what helps', () => {
  const err = { code: 'rate_limited', message: 'too fast', status: 429, requestId: 'req_1' }

  expect(
    shown({ run: 'run_1', row: 'sku-1', attempt: 2, err, help: 'wait', msg: 'attempt failed' }),
  ).toBe(
    '08:14:03 warn  attempt failed  run=run_1 row=sku-1 attempt=2  rate_limited: too fast (req_1)  wait\n',
  )
})

test('an error that nobody foresaw shows where it comes from', () => {
  const err = { message: 'is no list', stack: 'TypeError: is no list\n    at here\n    at there' }

  expect(shown({ msg: 'row failed', err })).toBe(
    '08:14:03 warn  row failed  is no list\n      at here\n      at there\n',
  )
})

test('the words of a server do not steer the terminal', () => {
  const err = { code: 'bug', message: '\u001b[2Jgone\r\n\u202eback' }

  expect(
    readableLine(JSON.stringify({ level: 30, time: '2026-11-21T08:14:03Z', msg: 'x', err })),
  ).toBe('08:14:03 info  x  bug:  [2Jgone back\n')
})

test('an error that is only a text is that text', () => {
  expect(shown({ msg: 'the queue stumbles', err: 'connection lost' })).toBe(
    '08:14:03 warn  the queue stumbles  connection lost\n',
  )
})
