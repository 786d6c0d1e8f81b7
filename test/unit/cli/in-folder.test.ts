import { expect, test } from 'vitest'
import { inFolder } from '../../../src/cli/in-folder.ts'

test.each([
  ['/shop/photos/mug.png', './photos/mug.png'],
  [
    'queue embedded in /shop/.renderq   → file:///shop/renders',
    'queue embedded in ./.renderq   → file:./renders',
  ],
  ['/shop', '/shop'],
  ['/shops/mug.png', '/shops/mug.png'],
  ['/old/shop/mug.png', '/old/shop/mug.png'],
  ['s3://shop/mugs', 's3://shop/mugs'],
  ['mug.png', 'mug.png'],
])('in /shop, %s is written %s', (text, written) => {
  expect(inFolder(text, '/shop')).toBe(written)
})

test('a folder may have a name that looks like a pattern', () => {
  expect(inFolder('/a+b (1)/c.png', '/a+b (1)')).toBe('./c.png')
  expect(inFolder('/etc/c.png', '/')).toBe('/etc/c.png')
})
