import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FirstLines } from '../../../src/producer/first-lines.ts'

test('remembers the first line of each text, as a map would', () => {
  const entry = fc.tuple(fc.string({ maxLength: 3 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }))
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 100 }), (entries) => {
      const lines = new FirstLines()
      const expected = new Map<string, number>()
      for (const [text, line] of entries) {
        expect(lines.add(text, line)).toBe(expected.get(text))
        if (!expected.has(text)) expected.set(text, line)
      }
    }),
  )
})

test('keeps 100,000 texts apart while it grows', () => {
  const lines = new FirstLines()

  for (let line = 1; line <= 100_000; line += 1)
    expect(lines.add(`sku-${line}`, line)).toBe(undefined)
  for (let line = 1; line <= 100_000; line += 997) expect(lines.add(`sku-${line}`, 1)).toBe(line)
})
