import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { FaultBook, parseFaultRules } from '../../../src/emulator/faults.ts'

const call = {
  number: 1,
  operation: 'generate',
  model: 'gpt-image-2',
  prompt: 'a red mug',
  isStream: false,
} as const

function bookOf(...rules: unknown[]): FaultBook {
  const book = new FaultBook()
  book.add(rules)
  return book
}

describe('a rule', () => {
  test('without a match meets every call, without end', () => {
    const book = bookOf({ fault: { kind: 'bad_key' } })

    for (let number = 1; number < 20; number += 1) {
      expect(book.take({ ...call, number })).toEqual({ kind: 'bad_key' })
    }
  })

  test.each([
    [{ operation: 'edit' }, false],
    [{ operation: 'generate' }, true],
    [{ model: 'gpt-image-2' }, true],
    [{ model: 'gpt-image' }, false],
    [{ promptIncludes: 'red' }, true],
    [{ promptIncludes: 'blue' }, false],
    [{ callNumbers: [1, 5] }, true],
    [{ callNumbers: [2] }, false],
    [{ operation: 'generate', promptIncludes: 'red', callNumbers: [2] }, false],
  ])('that matches %j is met: %s', (match, met) => {
    expect(bookOf({ match, fault: { kind: 'bad_key' } }).take(call) !== undefined).toBe(met)
  })

  test('applies as often as it says, then gives way to the next', () => {
    const book = bookOf(
      { times: 2, fault: { kind: 'bad_key' } },
      { times: 1, fault: { kind: 'reset' } },
    )

    const kinds = [1, 2, 3, 4].map((number) => book.take({ ...call, number })?.kind)

    expect(kinds).toEqual(['bad_key', 'bad_key', 'reset', undefined])
  })

  test('fills in what was left out', () => {
    expect(bookOf({ fault: { kind: 'rate_limit' } }).take(call)).toEqual({
      kind: 'rate_limit',
      limit: 'input-images',
      hint: 'retry-after-ms',
      delayMs: 1_000,
    })
  })
})

test('rules can be cleared', () => {
  const book = bookOf({ fault: { kind: 'bad_key' } })

  book.clear()

  expect(book.take(call)).toBeUndefined()
})

test.each<[unknown, RegExp]>([
  [{}, /faults: must be a list of rules/],
  [[{ fault: { kind: 'slow' } }], /faults\.0\.fault.*one of rate_limit, .*slow_body/],
  [[{ fault: 'reset' }], /faults\.0\.fault/],
  [[{ fault: { kind: 'rate_limit', hint: 'soon' } }], /faults\.0\.fault\.hint/],
  [[{ fault: { kind: 'rate_limit', delay: 5 } }], /faults\.0\.fault: .*delay/],
  [[{ fault: { kind: 'slow_headers' } }], /faults\.0\.fault\.delayMs/],
  [[{ fault: { kind: 'server_error', status: 418 } }], /faults\.0\.fault\.status/],
  [[{ fault: { kind: 'reset' }, times: 0 }], /faults\.0\.times/],
  [[{ fault: { kind: 'reset' }, when: 'now' }], /when/],
  [[{ fault: { kind: 'reset' }, match: { prompt: 'x' } }], /faults\.0\.match: .*prompt/],
  [
    [{ fault: { kind: 'reset' } }, { fault: { kind: 'error', status: 200 } }],
    /faults\.1\.fault\.status/,
  ],
])('bad rules %j are refused by name', (rules, message) => {
  expect(() => parseFaultRules(rules)).toThrow(ConfigError)
  expect(() => parseFaultRules(rules)).toThrow(message)
})

test('nothing is added when one of several rules is bad', () => {
  const book = new FaultBook()

  expect(() => {
    book.add([{ fault: { kind: 'reset' } }, { fault: { kind: 'nonsense' } }])
  }).toThrow(ConfigError)
  expect(book.take(call)).toBeUndefined()
})
