import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/errors.ts'
import { matches, parseWhere, type Condition } from '../../../src/producer/where.ts'

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`

describe('a --where expression', () => {
  test.each<[string, Condition[]]>([
    ['code=api_unavailable', [{ field: 'code', operator: '=', value: 'api_unavailable' }]],
    ['code!=bug', [{ field: 'code', operator: '!=', value: 'bug' }]],
    [
      ' id ~ mug , calls = 2 ',
      [
        { field: 'id', operator: '~', value: 'mug' },
        { field: 'calls', operator: '=', value: '2' },
      ],
    ],
    ['title="mugs, large"', [{ field: 'title', operator: '=', value: 'mugs, large' }]],
    ['title="a ""big"" mug"', [{ field: 'title', operator: '=', value: 'a "big" mug' }]],
    ['title=5" pipe', [{ field: 'title', operator: '=', value: '5" pipe' }]],
    ['url~a=b', [{ field: 'url', operator: '~', value: 'a=b' }]],
    ['image=', [{ field: 'image', operator: '=', value: '' }]],
    ['"Image Src"!=x', [{ field: 'Image Src', operator: '!=', value: 'x' }]],
    ['Image Src=x', [{ field: 'Image Src', operator: '=', value: 'x' }]],
  ])('%s', (text, conditions) => {
    expect(parseWhere(text)).toEqual(conditions)
  })

  test.each([
    ['', 'at its end: write a field'],
    ['code', 'at "code": write a field'],
    ['=bug', 'at "=bug": write a field'],
    ['code=bug,', 'at its end: write a field'],
    ['code=bug,,id=a', 'at ",id=a": write a field'],
    ['code="bug', String.raw`at "\"bug": its closing quote is missing`],
    [
      'code="bug" or',
      String.raw`at "\"bug\" or": its closing quote is missing, or more follows it`,
    ],
  ])('%j is refused with what is wrong and an example', (text, message) => {
    expect(() => parseWhere(text)).toThrow(ConfigError)
    expect(() => parseWhere(text)).toThrow(message)
    expect(() => parseWhere(text)).toThrow("e.g. 'code=api_unavailable,id~mug'")
    expect(() => parseWhere(text, 'category=mug')).toThrow("e.g. 'category=mug'")
  })

  test('of any fields and values is read back as it was meant, when they are quoted', () => {
    const condition = fc.record({
      field: fc.string({ minLength: 1, unit: 'grapheme' }),
      operator: fc.constantFrom('=', '!=', '~'),
      value: fc.string({ unit: 'grapheme' }),
    })
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 4 }), (conditions) => {
        const text = conditions
          .map(({ field, operator, value }) => `${quoted(field)}${operator}${quoted(value)}`)
          .join(', ')

        expect(parseWhere(text)).toEqual(conditions)
      }),
    )
  })

  test('of any text is either read or refused with a message', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseWhere(text).length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
        }
      }),
    )
  })
})

describe('matching', () => {
  const row = new Map([
    ['code', 'bug'],
    ['id', 'Mug-1'],
    ['size', 'Größe M'],
  ])
  const isMatch = (text: string) => matches(parseWhere(text), (field) => row.get(field))

  test.each([
    ['code=bug', true],
    ['code=Bug', false],
    ['code!=bug', false],
    ['id~mug', true],
    ['id~cup', false],
    ['code=bug,id~cup', false],
    ['code=bug,id~MUG', true],
    ['title=', true],
    ['title!=', false],
    ['title!=x', true],
    ['size=Größe M', true],
    ['size=Gro\u0308ße M', true],
    ['size!=Gro\u0308ße M', false],
    ['size~gro\u0308ße', true],
  ])('%s is %s', (text, expected) => {
    expect(isMatch(text)).toBe(expected)
  })
})
