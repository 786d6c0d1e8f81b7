import { expect, test, vi } from 'vitest'
import { InputCache } from '../../../src/worker/input-cache.ts'

const MANY = { bytesMax: 1_000, ageMaxMs: 60_000 }

test('what is fetched already, or being fetched, is not fetched again', async () => {
  const cache = new InputCache(MANY)
  const fetch = vi.fn(async () => Buffer.from('picture'))

  const [first, second] = await Promise.all([cache.get('a', fetch), cache.get('a', fetch)])
  const third = await cache.get('a', fetch)

  expect(fetch).toHaveBeenCalledTimes(1)
  expect([first, second, third].map(String)).toEqual(['picture', 'picture', 'picture'])
})

test('a failure is not remembered', async () => {
  const cache = new InputCache(MANY)

  await expect(cache.get('a', () => Promise.reject(new Error('503')))).rejects.toThrow('503')
  expect(String(await cache.get('a', async () => Buffer.from('now')))).toBe('now')
})

test('what was used longest ago goes when the bytes are used up', async () => {
  const cache = new InputCache({ ...MANY, bytesMax: 25 })
  const fetch = vi.fn(async () => Buffer.alloc(10))
  await cache.get('a', fetch)
  await cache.get('b', fetch)
  await cache.get('a', fetch)
  await cache.get('c', fetch)

  await cache.get('a', fetch)
  expect(fetch).toHaveBeenCalledTimes(3)
  await cache.get('b', fetch)
  expect(fetch).toHaveBeenCalledTimes(4)
})

test('a picture larger than all of it is handed on and forgotten', async () => {
  const cache = new InputCache({ ...MANY, bytesMax: 5 })
  const fetch = vi.fn(async () => Buffer.alloc(10))

  expect((await cache.get('a', fetch)).length).toBe(10)
  await cache.get('a', fetch)
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('what is old is looked at again', async () => {
  const cache = new InputCache({ ...MANY, ageMaxMs: 0 })
  const fetch = vi.fn(async () => Buffer.alloc(1))
  await cache.get('a', fetch)
  await cache.get('a', fetch)

  expect(fetch).toHaveBeenCalledTimes(2)
})
