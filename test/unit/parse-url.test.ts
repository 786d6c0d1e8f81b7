import { expect, test } from 'vitest'
import { parseUrl } from '../../src/parse-url.ts'

test('a URL is read, relative to another if need be; what is none is undefined', () => {
  expect(parseUrl('https://shop.example/a.png')?.hostname).toBe('shop.example')
  expect(parseUrl('/b.png', new URL('https://shop.example/a.png'))?.href).toBe(
    'https://shop.example/b.png',
  )
  for (const text of ['', 'mug.png', 'https://', 'https://shop example/', 'https://[::1']) {
    expect(parseUrl(text)).toBeUndefined()
  }
})

test('the answer stays the same however often it is asked for', () => {
  const answers = new Set<string>()
  // More often than the engine waits before it optimises a function.
  for (let times = 0; times < 20_000; times += 1) {
    const good = parseUrl('https://café.example/é.png')
    const bad = parseUrl('https://â\u0091\u00a0.example/')
    answers.add(`${good?.hostname} ${bad?.hostname}`)
  }

  expect([...answers]).toEqual(['xn--caf-dma.example undefined'])
})
