import { expect, test, vi } from 'vitest'
import { InputCache } from '../../../src/worker/input-cache.ts'

const LIVE = new AbortController().signal
const MANY = { bytesMax: 1_000, ageMaxMs: 60_000 }

test('what is fetched already, or being fetched, is not fetched again', async () => {
  const cache = new InputCache(MANY)
  const fetch = vi.fn(async () => Buffer.from('picture'))

  const [first, second] = await Promise.all([
    cache.get('a', LIVE, fetch),
    cache.get('a', LIVE, fetch),
  ])
  const third = await cache.get('a', LIVE, fetch)

  expect(fetch).toHaveBeenCalledTimes(1)
  expect([first, second, third].map(String)).toEqual(['picture', 'picture', 'picture'])
})

test('a failure is not remembered', async () => {
  const cache = new InputCache(MANY)

  await expect(cache.get('a', LIVE, () => Promise.reject(new Error('503')))).rejects.toThrow('503')
  expect(String(await cache.get('a', LIVE, async () => Buffer.from('now')))).toBe('now')
})

test('what was used longest ago goes when the bytes are used up', async () => {
  const cache = new InputCache({ ...MANY, bytesMax: 25 })
  const fetch = vi.fn(async () => Buffer.alloc(10))
  await cache.get('a', LIVE, fetch)
  await cache.get('b', LIVE, fetch)
  await cache.get('a', LIVE, fetch)
  await cache.get('c', LIVE, fetch)

  await cache.get('a', LIVE, fetch)
  expect(fetch).toHaveBeenCalledTimes(3)
  await cache.get('b', LIVE, fetch)
  expect(fetch).toHaveBeenCalledTimes(4)
})

test('a picture larger than all of it is handed on and forgotten', async () => {
  const cache = new InputCache({ ...MANY, bytesMax: 5 })
  const fetch = vi.fn(async () => Buffer.alloc(10))

  expect((await cache.get('a', LIVE, fetch)).length).toBe(10)
  await cache.get('a', LIVE, fetch)
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('what is old is looked at again', async () => {
  const cache = new InputCache({ ...MANY, ageMaxMs: 0 })
  const fetch = vi.fn(async () => Buffer.alloc(1))
  await cache.get('a', LIVE, fetch)
  await cache.get('a', LIVE, fetch)

  expect(fetch).toHaveBeenCalledTimes(2)
})

test('a row that is stopped while it fetches does not stop the others', async () => {
  const cache = new InputCache(MANY)
  const stopped = new AbortController()
  const first = cache.get('a', stopped.signal, async () => {
    stopped.abort()
    throw new Error('stopped')
  })
  const second = cache.get('a', LIVE, async () => Buffer.from('picture'))

  await expect(first).rejects.toThrow('stopped')
  expect(String(await second)).toBe('picture')
})
