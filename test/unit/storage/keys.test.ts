import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkKey,
  inputKey,
  KEY_BYTES_MAX,
  manifestPartKey,
  pictureKey,
  recordKey,
  resultsPartKey,
  runKey,
  sanitizeKey,
} from '../../../src/storage/keys.ts'

const SHA = 'abcdef'.padEnd(64, '0')

test('every kind of object has its place', () => {
  expect(recordKey(SHA)).toBe(`_records/ab/${SHA}.json`)
  expect(inputKey(SHA, 'png')).toBe(`_inputs/${SHA}.png`)
  expect(runKey('run_0123456789', 'run.json')).toBe('_runs/run_0123456789/run.json')
  expect(manifestPartKey('run_0123456789', 1)).toBe(
    '_runs/run_0123456789/manifest/part-00001.jsonl',
  )
  expect(resultsPartKey('run_0123456789', 42)).toBe('_runs/run_0123456789/results/part-00042.jsonl')
})

test('a single picture has no number, several are numbered from 1', () => {
  expect(pictureKey('demo/mug', { index: 0, of: 1 }, 'png')).toBe('demo/mug.png')
  expect(pictureKey('demo/mug', { index: 0, of: 3 }, 'png')).toBe('demo/mug-1.png')
  expect(pictureKey('demo/mug', { index: 2, of: 3 }, 'webp')).toBe('demo/mug-3.webp')
})

describe('sanitizeKey', () => {
  test.each([
    ['sku-1', 'sku-1'],
    ['catalog/SKU_1.v2', 'catalog/SKU_1.v2'],
    ['Crème brûlée', 'Creme-brulee'],
    ['Smørrebrød Straße', 'Smorrebrod-Strasse'],
    ['Ａ４ ﬁle', 'A4-file'],
    ['a  &  b', 'a-b'],
    ['a - b', 'a-b'],
    ['sku--1', 'sku--1'],
    ['-5', '-5'],
    [' padded ', 'padded'],
    ['50% off!', '50-off!'],
    ['Bob’s Mug™', 'Bob-s-MugTM'],
    ['a*b?c:d', 'a-b-c-d'],
    ['a\\b', 'a-b'],
    ['a//b/./c/../d/', 'a/b/c/d'],
    ['../../etc/passwd', 'etc/passwd'],
    ['/abs/path', 'abs/path'],
    ['.hidden/.env', 'hidden/env'],
    ['name...', 'name'],
    ['_runs/x', 'runs/x'],
    ['a/_b', 'a/_b'],
    ['_._x', 'x'],
    ['con', 'con_'],
    ['Aux.png/NUL', 'Aux_.png/NUL_'],
    ['_con', 'con_'],
    ['console', 'console'],
    ['a\u0000b\u001b[31m', 'a-b-31m'],
    ['a\u202eb', 'a-b'],
    ['℀', 'a-c'],
  ])('%j becomes %s', (text, key) => {
    expect(sanitizeKey(text)).toBe(key)
  })

  test.each(['🔴', '红色', '???', '...', '..', '/', '', '_', '\u0301'])(
    '%j, of which nothing is left, becomes a short hash',
    (text) => {
      expect(sanitizeKey(text)).toMatch(/^[0-9a-f]{12}$/)
    },
  )

  test('names that differ only in what is lost stay different', () => {
    const names = ['红色 mug', '蓝色 mug', 'mug 🔴', 'mug 🔵', 'mug', 'か mug', 'が mug']

    expect(new Set(names.map(sanitizeKey)).size).toBe(names.length)
    expect(sanitizeKey('红色 mug')).toMatch(/^mug-[0-9a-f]{12}$/)
  })

  test('long names and long paths are cut to a length every store takes, and stay different', () => {
    const long = 'x'.repeat(5_000)
    const deep = Array.from({ length: 50 }, () => 'y'.repeat(150)).join('/')

    for (const text of [long, deep]) {
      expect(checkKey(sanitizeKey(text))).toBeUndefined()
      expect(sanitizeKey(text)).not.toBe(sanitizeKey(`${text}z`))
    }
    expect(sanitizeKey(deep).startsWith(`${'y'.repeat(150)}/`)).toBe(true)
  })

  test('whatever the text, the key passes the check, is stable and stays inside', () => {
    const odd = fc.constantFrom(
      '/',
      '.',
      '..',
      '_',
      '-',
      ' ',
      '\\',
      '\0',
      'con',
      'nul.',
      'é',
      '漢',
      '🎈',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc
        .array(fc.oneof(odd, fc.string({ maxLength: 3 })), { maxLength: 40 })
        .map((x) => x.join('')),
      fc
        .array(fc.string({ minLength: 1, maxLength: 250 }), { maxLength: 12 })
        .map((x) => x.join('/')),
    )
    fc.assert(
      fc.property(text, (original) => {
        const key = sanitizeKey(original)

        expect(checkKey(key)).toBeUndefined()
        expect(sanitizeKey(key)).toBe(key)
        expect(new URL(key, 'file:///root/').pathname.startsWith('/root/')).toBe(true)
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(KEY_BYTES_MAX)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('checkKey', () => {
  test.each([
    ['_records/x', /reserved/],
    ['a//b', /empty segment/],
    ['/a', /empty segment/],
    ['a/', /empty segment/],
    ['', /empty segment/],
    ['a/../b', /dot/],
    ['.a', /begins with a dot/],
    ['a.', /ends with a dot/],
    ['a b', /other than/],
    ['é', /other than/],
    ['lpt1.png', /Windows/],
    ['x'.repeat(201), /longer than 200/],
    [`${'x/'.repeat(450)}x`, /longer than 900/],
  ])('%j is refused', (key, problem) => {
    expect(checkKey(key)).toMatch(problem)
  })

  test('a plain key is fine', () => {
    expect(checkKey("catalog/sku-1_(a)!.v'2")).toBeUndefined()
  })
})
