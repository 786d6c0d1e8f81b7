import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteCountOf, fillSlots, piecesOf } from '../../../src/emulator/body-parts.ts'

const SLOT = '-slot-'

const textOf = (parts: ReturnType<typeof fillSlots>) =>
  Buffer.concat(parts.flatMap((part) => [...piecesOf(part)])).toString()

test('each slot gets its picture as base64, and the length is known before', () => {
  const lengths = [0, 1, 2, 3, 49_151, 49_152, 49_153, 200_000]
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...lengths), { maxLength: 4 }),
      fc.string(),
      (sizes, text) => {
        fc.pre(!text.includes(SLOT))
        const pictures = sizes.map((size) => ({
          bytes: Buffer.alloc(size, 'abc'),
          isFlawed: false,
        }))
        const json = [text, ...sizes.map(() => `${SLOT}${text}`)].join('')

        const parts = fillSlots(json, SLOT, pictures)

        const expected = [text, ...pictures.map(({ bytes }) => bytes.toString('base64') + text)]
        expect(textOf(parts)).toBe(expected.join(''))
        expect(byteCountOf(parts)).toBe(Buffer.byteLength(expected.join('')))
      },
    ),
    { numRuns: 60 },
  )
})

test.each([3, 100, 49_152, 49_153, 98_304, 1_000_000])(
  'a flaw in %i bytes is one character in the middle',
  (size) => {
    const bytes = Buffer.alloc(size, 'abc')

    const flawed = textOf(fillSlots(SLOT, SLOT, [{ bytes, isFlawed: true }]))

    const sound = bytes.toString('base64')
    expect(flawed.length).toBe(sound.length)
    expect(flawed.indexOf('!')).toBe(Math.floor(sound.length / 2))
    expect(flawed.split('!')).toHaveLength(2)
  },
)

test('no piece is larger than a few dozen kilobytes, however large the picture', () => {
  const [, part] = fillSlots(SLOT, SLOT, [{ bytes: Buffer.alloc(5_000_000), isFlawed: false }])

  const lengths = part === undefined ? [] : [...piecesOf(part)].map(({ length }) => length)

  expect(Math.max(...lengths)).toBeLessThanOrEqual(65_536)
  expect(lengths.length).toBeGreaterThan(100)
})
