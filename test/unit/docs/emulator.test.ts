/** docs/emulator.md is written by hand, for people; this holds its rules to what the emulator takes. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseFaultRules } from '../../../src/emulator/faults.ts'
import { KNOWN_ERROR_NAMES } from '../../../src/emulator/known-errors.ts'

const text = readFileSync(new URL('../../../docs/emulator.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, json = ''], index) => ({
  number: index + 1,
  json,
}))
const documentedKinds = [...text.matchAll(/"kind": "(\w+)"/g)].map(([, kind]) => kind)

test.each(examples)('the emulator takes the rules of example $number', ({ json }) => {
  expect(() => parseFaultRules(JSON.parse(json))).not.toThrow()
})

test('every kind of fault has an example and a row of its own', () => {
  const kinds = kindsOfEmulator()
  expect(kinds.length).toBeGreaterThan(15)
  expect(new Set(documentedKinds)).toEqual(new Set(kinds))
  for (const kind of kinds) expect(text).toContain(`\n| \`${kind}\` |`)
})

test.each(KNOWN_ERROR_NAMES)('the known error %s is listed', (name) => {
  expect(text).toContain(`\`${name}\``)
})

/** As the emulator itself lists them, to whoever leaves the kind out. */
function kindsOfEmulator(): string[] {
  try {
    parseFaultRules([{ fault: {} }])
  } catch (error) {
    return /one of ([\w, ]+)/.exec(String(error))?.[1]?.split(', ') ?? []
  }
  return []
}
