/** What every store does, whatever it is made of. Each test opens the store under a new, empty root. */
import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { FileChangedError } from '../../src/errors.ts'
import type { ListedObject, PutOptions, Store } from '../../src/storage/store.ts'
import { tempDir } from '../helpers/temp.ts'

const TEXT = { contentType: 'text/plain', when: 'always' } as const
const ABSENT = { contentType: 'text/plain', when: 'absent' } as const
const bytesOf = (text: string) => Buffer.from(text)

export function keepsTheStoreContract(name: string, open: () => Promise<Store>): void {
  describe(`store: ${name}`, () => {
    test('what was put comes back: bytes, length, content type, metadata', async () => {
      await using store = await open()
      const bytes = randomBytes(100_000)
      const metadata = { run: 'run_0123456789', row: 'sku-1', fingerprint: 'ab'.repeat(32) }

      const put = await store.put('mugs/red.png', bytes, {
        contentType: 'image/png',
        metadata,
        when: 'absent',
      })

      expect(put.kind).toBe('stored')
      expect(await hasBytes(store, 'mugs/red.png', bytes)).toBe(true)
      expect(await store.head('mugs/red.png')).toEqual({
        byteCount: 100_000,
        etag: put.etag,
        contentType: 'image/png',
        metadata,
      })
    })

    test('a content type that the name does not tell is kept too', async () => {
      await using store = await open()

      await store.put('_runs/r/_SUCCESS', bytesOf(''), { ...TEXT, contentType: 'text/x-mark' })

      expect(await store.head('_runs/r/_SUCCESS')).toMatchObject({
        byteCount: 0,
        contentType: 'text/x-mark',
        metadata: {},
      })
      expect(await store.get('_runs/r/_SUCCESS', { bytesMax: 0 })).toEqual(Buffer.alloc(0))
    })

    test('a file is stored with its bytes and stays where it is', async () => {
      await using store = await open()
      await using dir = await tempDir()
      const bytes = randomBytes(300_000)
      await writeFile(dir.join('spooled'), bytes)

      await store.put('mug.png', { file: dir.join('spooled') }, ABSENT)
      await store.put('again.png', { file: dir.join('spooled') }, ABSENT)

      expect(await hasBytes(store, 'mug.png', bytes)).toBe(true)
      expect(await hasBytes(store, 'again.png', bytes)).toBe(true)
    })

    test('a file that is not there is refused by its name, and nothing is stored', async () => {
      await using store = await open()

      await expect(store.put('mug.png', { file: '/nowhere/spooled' }, TEXT)).rejects.toMatchObject({
        code: 'storage_rejected',
        message: expect.stringContaining('/nowhere/spooled'),
      })
      expect(await store.head('mug.png')).toBeUndefined()
      expect(await keysOf(store, '')).toEqual([])
    })

    test.each([1_000, 6_000_000])(
      'a file of %i bytes that are not those of its digest is refused, and nothing is stored',
      async (byteCount) => {
        await using store = await open()
        await using dir = await tempDir()
        const bytes = randomBytes(byteCount)
        const body = {
          file: dir.join('spooled'),
          sha256: createHash('sha256').update(bytes).digest('hex'),
        }
        await writeFile(body.file, bytes.fill('!', 5, 9))

        await expect(store.put('mug.png', body, ABSENT)).rejects.toThrow(FileChangedError)

        expect(await store.head('mug.png')).toBeUndefined()
        expect(await keysOf(store, '')).toEqual([])
      },
    )

    test('absent objects have no bytes and no head, also under folders that are not there', async () => {
      await using store = await open()

      expect(await store.get('nothing.png', { bytesMax: 10 })).toBeUndefined()
      expect(await store.head('no/such/place/nothing.png')).toBeUndefined()
      expect(await keysOf(store, 'no/such/')).toEqual([])
    })

    test('absent: a second put leaves the first object as it was and tells about it', async () => {
      await using store = await open()
      const first = await store.put('mug.png', bytesOf('first'), {
        ...ABSENT,
        metadata: { fingerprint: 'f1' },
      })

      const second = await store.put('mug.png', bytesOf('second'), {
        ...ABSENT,
        metadata: { fingerprint: 'f2' },
      })

      expect(second).toEqual({ kind: 'exists', etag: first.etag, metadata: { fingerprint: 'f1' } })
      expect(await textOf(store, 'mug.png')).toBe('first')
    })

    test('absent: the same bytes again do not change the metadata either', async () => {
      await using store = await open()
      await store.put('mug.png', bytesOf('same'), { ...ABSENT, metadata: { run: 'first' } })

      const again = await store.put('mug.png', bytesOf('same'), {
        ...ABSENT,
        metadata: { run: 'second' },
      })

      expect(again).toMatchObject({ kind: 'exists', metadata: { run: 'first' } })
      expect(await store.head('mug.png')).toMatchObject({ metadata: { run: 'first' } })
    })

    test('absent: of 20 racing puts exactly one is stored, with its own metadata', async () => {
      await using store = await open()
      const racers = Array.from({ length: 20 }, (_, index) => String(index))

      const results = await Promise.all(
        racers.map((racer) =>
          store.put('mug.png', bytesOf(`bytes of ${racer}`), { ...ABSENT, metadata: { racer } }),
        ),
      )

      const winners = racers.filter((_, index) => results[index]?.kind === 'stored')
      expect(winners).toHaveLength(1)
      expect(await textOf(store, 'mug.png')).toBe(`bytes of ${winners[0]}`)
      for (const result of results.filter(({ kind }) => kind === 'exists')) {
        expect(result).toMatchObject({ metadata: { racer: winners[0] } })
      }
    })

    test('absent: of racing puts of the same bytes the one that is stored has its own metadata', async () => {
      await using store = await open()
      const racers = Array.from({ length: 20 }, (_, index) => String(index))

      const results = await Promise.all(
        racers.map((racer) =>
          store.put('mug.png', bytesOf('same'), { ...ABSENT, metadata: { racer } }),
        ),
      )

      const winners = racers.filter((_, index) => results[index]?.kind === 'stored')
      expect(winners).toHaveLength(1)
      expect(await store.head('mug.png')).toMatchObject({ metadata: { racer: winners[0] } })
    })

    test('always: replaces bytes, content type and metadata', async () => {
      await using store = await open()
      await store.put('mug.png', bytesOf('first'), { ...TEXT, metadata: { run: 'a', row: '1' } })

      const put = await store.put('mug.png', bytesOf('second'), {
        contentType: 'image/png',
        metadata: { run: 'b' },
        when: 'always',
      })

      expect(put.kind).toBe('stored')
      expect(await store.head('mug.png')).toEqual({
        byteCount: 6,
        etag: put.etag,
        contentType: 'image/png',
        metadata: { run: 'b' },
      })
    })

    test('always: the same bytes with other metadata have the other metadata', async () => {
      await using store = await open()
      await store.put('a.json', bytesOf('{}'), { ...TEXT, metadata: { run: 'a' } })
      await store.put('a.json', bytesOf('{}'), { ...TEXT, metadata: { run: 'b' } })
      expect(await store.head('a.json')).toMatchObject({ metadata: { run: 'b' } })

      await store.put('a.json', bytesOf('{}'), { contentType: 'application/json', when: 'always' })

      expect(await store.head('a.json')).toMatchObject({
        contentType: 'application/json',
        metadata: {},
      })
    })

    test('{ etag }: replaces exactly that version', async () => {
      await using store = await open()
      const first = await store.put('mug.png', bytesOf('first'), TEXT)

      const second = await store.put('mug.png', bytesOf('second'), version(first.etag, 'second'))

      expect(second.kind).toBe('stored')
      expect(await textOf(store, 'mug.png')).toBe('second')
    })

    test('{ etag }: another version is left as it was and told about', async () => {
      await using store = await open()
      const first = await store.put('mug.png', bytesOf('first'), TEXT)
      const second = await store.put('mug.png', bytesOf('second'), version(first.etag, 'second'))

      const third = await store.put('mug.png', bytesOf('third'), version(first.etag, 'third'))

      expect(third).toEqual({ kind: 'exists', etag: second.etag, metadata: { by: 'second' } })
      expect(await textOf(store, 'mug.png')).toBe('second')
    })

    test('{ etag }: of 10 racing puts exactly one is stored', async () => {
      await using store = await open()
      const { etag } = await store.put('mug.png', bytesOf('old'), TEXT)
      const racers = Array.from({ length: 10 }, (_, index) => `racer-${index}`)

      const results = await Promise.all(
        racers.map((racer) => store.put('mug.png', bytesOf(racer), version(etag, racer))),
      )

      const winners = racers.filter((_, index) => results[index]?.kind === 'stored')
      expect(winners).toHaveLength(1)
      expect(await textOf(store, 'mug.png')).toBe(winners[0])
      expect(await store.head('mug.png')).toMatchObject({ metadata: { by: winners[0] } })
    })

    test('{ etag }: an object that is gone is stored anew', async () => {
      await using store = await open()
      const { etag } = await store.put('other.png', bytesOf('elsewhere'), TEXT)

      const put = await store.put('mug.png', bytesOf('new'), version(etag, 'me'))

      expect(put.kind).toBe('stored')
      expect(await textOf(store, 'mug.png')).toBe('new')
    })

    test('get refuses what is larger than allowed, and takes what is exactly as large', async () => {
      await using store = await open()
      await store.put('mug.png', bytesOf('12345'), TEXT)

      expect(await store.get('mug.png', { bytesMax: 5 })).toEqual(bytesOf('12345'))
      await expect(store.get('mug.png', { bytesMax: 4 })).rejects.toMatchObject({
        code: 'storage_rejected',
        message: expect.stringContaining(store.locationOf('mug.png')),
      })
    })

    test('get stops when told to, with the reason it was given', async () => {
      await using store = await open()
      await store.put('mug.png', bytesOf('12345'), TEXT)
      const reason = new Error('enough')

      const got = store.get('mug.png', { bytesMax: 5, signal: AbortSignal.abort(reason) })

      await expect(got).rejects.toBe(reason)
    })

    test('list yields the keys that begin with the prefix, in byte order, with their sizes', async () => {
      await using store = await open()
      const keys = [
        'a.png',
        'a/b.png',
        'a/b/c.png',
        'a-1.png',
        'a0.png',
        'B.png',
        'ab/z.png',
        '_x/y',
      ]
      for (const key of keys) await store.put(key, bytesOf(key), TEXT)

      const inByteOrder = keys.toSorted((a, b) => Buffer.compare(bytesOf(a), bytesOf(b)))
      expect(await keysOf(store, '')).toEqual(inByteOrder)
      expect(await keysOf(store, 'a')).toEqual(inByteOrder.filter((key) => key.startsWith('a')))
      expect(await keysOf(store, 'a/')).toEqual(['a/b.png', 'a/b/c.png'])
      expect(await keysOf(store, 'a/b')).toEqual(['a/b.png', 'a/b/c.png'])
      expect(await keysOf(store, 'a/b/')).toEqual(['a/b/c.png'])
      expect(await keysOf(store, 'a/b.png')).toEqual(['a/b.png'])
      expect(await keysOf(store, 'c')).toEqual([])
      expect(await objectsOf(store, 'a0')).toEqual([{ key: 'a0.png', byteCount: 6 }])
    })

    test.each([
      "!_.'()-/it's (1)!.png".replaceAll(' ', '-'),
      'a..b/c',
      '-',
      `${'k'.repeat(200)}.webp`,
    ])('the odd but allowed key %s is kept as it is', async (key) => {
      await using store = await open()

      await store.put(key, bytesOf('odd'), ABSENT)

      expect(await textOf(store, key)).toBe('odd')
      expect(await keysOf(store, '')).toEqual([key])
    })

    test('metadata that no header can carry is refused before anything is stored', async () => {
      await using store = await open()

      for (const row of ['Küche', 'a\nb', ' a', 'x'.repeat(3_000)]) {
        const put = store.put('mug.png', bytesOf('x'), { ...TEXT, metadata: { row } })
        await expect(put).rejects.toThrow(TypeError)
      }
      expect(await keysOf(store, '')).toEqual([])
    })

    test('the probe passes, learns that conditions hold, and can be repeated', async () => {
      await using store = await open()

      await store.probe()
      await store.probe()

      expect(store.conditionalWrites).toBe(true)
    })

    test('a location tells where the object is', async () => {
      await using store = await open()

      expect(store.locationOf('a/b.png')).toMatch(/^(\/|s3:\/\/).*\/a\/b\.png$/)
    })
  })
}

function version(etag: string, by: string): PutOptions {
  return { contentType: 'text/plain', metadata: { by }, when: { etag } }
}

/** Comparing large buffers with `toEqual` takes seconds. */
async function hasBytes(store: Store, key: string, bytes: Buffer): Promise<boolean> {
  return bytes.equals((await store.get(key, { bytesMax: bytes.byteLength })) ?? Buffer.alloc(0))
}

async function textOf(store: Store, key: string): Promise<string | undefined> {
  return (await store.get(key, { bytesMax: 1_000 }))?.toString()
}

async function keysOf(store: Store, prefix: string): Promise<string[]> {
  return (await objectsOf(store, prefix)).map(({ key }) => key)
}

async function objectsOf(store: Store, prefix: string): Promise<ListedObject[]> {
  const objects: ListedObject[] = []
  for await (const object of store.list(prefix)) objects.push(object)
  return objects
}
