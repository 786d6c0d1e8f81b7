import { describe, expect, test } from 'vitest'
import { ImageRequest } from '../../../src/job.ts'
import {
  columnOf,
  headerWarning,
  intendedColumn,
  PARAMETERS,
  variableNameOf,
} from '../../../src/producer/columns.ts'

test('every parameter of a request is a column by its own name', () => {
  expect(PARAMETERS.toSorted()).toEqual(Object.keys(ImageRequest.shape).toSorted())
  for (const parameter of PARAMETERS) expect(columnOf(parameter)).toBe(parameter)
})

describe('case aside, and by a few aliases', () => {
  test.each([
    ['Prompt', 'prompt'],
    ['ID', 'id'],
    ['custom_id', 'id'],
    ['Images', 'image'],
    ['format', 'output_format'],
    ['Compression', 'output_compression'],
    ['count', 'n'],
    ['N', 'n'],
    ['filename', 'name'],
    ['Markup', 'markup'],
    ['SVG', 'svg'],
  ])('%s is %s', (header, column) => {
    expect(columnOf(header)).toBe(column)
  })

  test.each(['promt', 'Output Format', 'sku', 'title', 'output-format', ' prompt'])(
    '%j is none',
    (header) => {
      expect(columnOf(header)).toBeUndefined()
    },
  )
})

describe('a header that was probably meant to be a column', () => {
  test.each([
    ['promt', 'prompt'],
    ['qualty', 'quality'],
    ['Output Format', 'output_format'],
    ['output-format', 'output_format'],
    ['Quallity', 'quality'],
    ['responce_format', 'response_format'],
    ['image 1', 'image'],
    ['partial-images', 'partial_images'],
    ['Frame Count', 'frame_count'],
  ])('%s: %s', (header, column) => {
    expect(intendedColumn(header)).toBe(column)
    expect(headerWarning(header)).toBe(
      `column "${header}" is only a template variable (did you mean ${column}?)`,
    )
  })

  test.each([
    'Category',
    'Challenge',
    'Note',
    'sku',
    'title',
    'color',
    'Title',
    'brand',
    'tag',
    'ean',
    // What a run noted beside a row that failed.
    '_error',
    '_model',
  ])('%s is meant as it is', (header) => {
    expect(headerWarning(header)).toBeUndefined()
  })
})

test.each([
  ['Image Src', 'image_src'],
  ['  Größe (cm) ', 'größe_cm'],
  ['Variant-SKU', 'variant_sku'],
  ['color', 'color'],
  ['---', ''],
])('%j can be named %j in a template', (header, variable) => {
  expect(variableNameOf(header)).toBe(variable)
})
