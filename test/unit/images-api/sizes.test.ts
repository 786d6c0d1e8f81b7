import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { imageModelOf } from '../../../src/images-api/models.ts'
import { isUnprovenSize, sizeProblemOf } from '../../../src/images-api/sizes.ts'

const free = imageModelOf('gpt-image-2')!
const listed = imageModelOf('gpt-image-1.5')!
const dalle3 = imageModelOf('dall-e-3')!

describe('free sizes', () => {
  test.each([
    'auto',
    '1024x1024',
    '1536x1024',
    '1024x1536',
    '2048x2048',
    '2048x1152',
    '3840x2160',
    '2160x3840',
    '816x816',
    '2880x2880',
    '1536x864',
    '3072x1024',
  ])('%s is taken', (size) => {
    expect(sizeProblemOf(size, free)).toBeUndefined()
  })

  test.each([
    ['1025x1024', 'both edges must be divisible by 16', '1024x1024'],
    ['1000x1000', 'both edges must be divisible by 16', '992x992'],
    ['800x800', '640,000 pixels are too few, the least is 655,360', '816x816'],
    ['1024x576', '589,824 pixels are too few, the least is 655,360', '1088x608'],
    ['3856x1600', 'the longest edge may have 3840 pixels', '3840x1600'],
    ['4096x4096', 'the longest edge may have 3840 pixels', '2880x2880'],
    ['3200x3200', '10,240,000 pixels are too many, the most is 8,294,400', '2880x2880'],
    ['3840x1024', 'the long edge may be 3 times the short one, not 3.75 times', '3072x1024'],
    ['1024X1024', 'must be written WIDTHxHEIGHT, without blanks', '1024x1024'],
    ['1024 x 1024', 'must be written WIDTHxHEIGHT, without blanks', '1024x1024'],
    ['1024×1024', 'must be written WIDTHxHEIGHT, without blanks', '1024x1024'],
  ])('%s: %s (did you mean %s)', (size, message, suggestion) => {
    expect(sizeProblemOf(size, free)).toEqual({ message, suggestion })
  })

  test.each(['big', '', '1024', '1024x', 'x1024', '-16x1024', '0x0', '1e3x1024', '1024x1024x3'])(
    '"%s" is no size',
    (size) => {
      expect(sizeProblemOf(size, free)).toEqual({
        message: 'must be auto or WIDTHxHEIGHT, for example 1024x1024',
      })
    },
  )

  test('every suggestion is itself taken, and every size of digits gets one', () => {
    const edge = fc.oneof(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 99_999 }))
    fc.assert(
      fc.property(edge, edge, (width, height) => {
        const problem = sizeProblemOf(`${width}x${height}`, free)
        if (problem === undefined) return
        expect(problem.suggestion).toBeDefined()
        expect(sizeProblemOf(problem.suggestion ?? '', free)).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  test('a size above 2560x1440 is unproven', () => {
    expect(isUnprovenSize('2560x1440', free)).toBe(false)
    expect(isUnprovenSize('2560x1456', free)).toBe(true)
    expect(isUnprovenSize('auto', free)).toBe(false)
    expect(isUnprovenSize('1792x1024', dalle3)).toBe(false)
  })
})

describe('listed sizes', () => {
  test.each([
    ['1792x1024', '1536x1024'],
    ['2048x2048', '1024x1024'],
    ['600x900', '1024x1536'],
  ])('%s is answered with %s', (size, suggestion) => {
    expect(sizeProblemOf(size, listed)).toEqual({
      message: 'gpt-image-1.5 takes 1024x1024, 1536x1024, 1024x1536, auto',
      suggestion,
    })
  })

  test('auto is not taken by every model', () => {
    expect(sizeProblemOf('auto', listed)).toBeUndefined()
    expect(sizeProblemOf('auto', dalle3)).toEqual({
      message: 'dall-e-3 takes 1024x1024, 1792x1024, 1024x1792',
    })
  })
})
