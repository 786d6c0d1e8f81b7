import { expect, test } from 'vitest'
import { nearest } from '../../src/nearest.ts'

const COLUMNS = ['prompt', 'size', 'quality', 'output_format', 'output_compression']

test.each([
  ['promt', 'prompt'],
  ['pormpt', 'prompt'],
  ['Size', 'size'],
  [' qualty ', 'quality'],
  ['output-format', 'output_format'],
  ['ouput_fromat', 'output_format'],
])('"%s" was meant to be "%s"', (word, meant) => {
  expect(nearest(word, COLUMNS)).toBe(meant)
})

test.each(['', 'x', 'colour', 'prompts_for_the_catalog'])('"%s" is like nothing', (word) => {
  expect(nearest(word, COLUMNS)).toBeUndefined()
})

test('two neighbours swapped count as one mistake', () => {
  expect(nearest('ab', ['ba'])).toBe('ba')
  expect(nearest('ab', ['cd'])).toBeUndefined()
})

test('the first of equally close candidates wins', () => {
  expect(nearest('mediam', ['mediums', 'medium', 'mediam1'])).toBe('medium')
  expect(nearest('size', ['sizes', 'sizer'])).toBe('sizes')
})

test('nothing is near to no candidates', () => {
  expect(nearest('size', [])).toBeUndefined()
})
