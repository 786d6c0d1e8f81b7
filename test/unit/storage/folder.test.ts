import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FolderStore } from '../../../src/storage/folder.ts'
import { lockFile } from '../../../src/storage/folder-lock.ts'
import { keepsTheStoreContract } from '../../conformance/store.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

const PNG = { contentType: 'image/png', metadata: { row: '1' }, when: 'always' } as const
const bytesOf = (text: string) => Buffer.from(text)

keepsTheStoreContract('folder', async () => new FolderStore((await openDir()).join('renders')))

describe('what a person finds', () => {
  test('an object is a plain file at its key, and everything else is hidden', async () => {
    const { dir, store } = await openStoreIn()

    await store.put('mugs/red.png', bytesOf('red'), PNG)

    expect(await readFile(dir.join('mugs/red.png'), 'utf8')).toBe('red')
    expect((await readdir(dir.join('mugs'))).toSorted()).toEqual(['.meta', 'red.png'])
    expect(store.locationOf('mugs/red.png')).toBe(dir.join('mugs/red.png'))
  })

  test('records and result files need no hidden file beside them', async () => {
    const { dir, store } = await openStoreIn()

    await store.put('_records/ab/abc.json', bytesOf('{}'), {
      contentType: 'application/json',
      when: 'absent',
    })

    expect(await readdir(dir.join('_records/ab'))).toEqual(['abc.json'])
  })

  test('opening and looking makes no folder', async () => {
    const dir = await openDir()
    const store = new FolderStore(dir.join('renders'))

    expect(await store.head('a.png')).toBeUndefined()
    expect(await store.get('a/b.png', { bytesMax: 1 })).toBeUndefined()
    for await (const object of store.list('')) expect.unreachable(object.key)

    expect(await readdir(dir.path)).toEqual([])
  })

  test('a file that a person edited has no metadata and another etag, and is not replaced as ours', async () => {
    const { dir, store } = await openStoreIn()
    const { etag } = await store.put('mug.png', bytesOf('ours'), PNG)
    await writeFile(dir.join('mug.png'), 'theirs')

    const head = await store.head('mug.png')
    const put = await store.put('mug.png', bytesOf('newer'), { ...PNG, when: { etag } })

    expect(head).toMatchObject({ contentType: 'image/png', metadata: {} })
    expect(head?.etag).not.toBe(etag)
    expect(put).toEqual({ kind: 'exists', etag: head?.etag, metadata: {} })
    expect(await readFile(dir.join('mug.png'), 'utf8')).toBe('theirs')
  })

  test('a damaged sidecar counts as none', async () => {
    const { dir, store } = await openStoreIn()
    await store.put('mug.png', bytesOf('ours'), PNG)
    const [sidecar = ''] = await readdir(dir.join('.meta'))

    for (const text of ['', '{"metadata":', '{"metadata":{"row":1}}']) {
      await writeFile(dir.join('.meta', sidecar), text)
      expect(await store.head('mug.png')).toMatchObject({ metadata: {} })
    }
  })

  test('what a killed process left behind is never listed nor in the way', async () => {
    const { dir, store } = await openStoreIn()
    await writeFile(dir.join('.tmp-1-0123456789abcdef'), 'half')

    await store.put('mug.png', bytesOf('whole'), PNG)

    const keys: string[] = []
    for await (const { key } of store.list('')) keys.push(key)
    expect(keys).toEqual(['mug.png'])
  })

  test('a put that fails half-way leaves nothing behind', async () => {
    const { dir, store } = await openStoreIn()

    // Opening a folder works; reading from it fails.
    await expect(store.put('mug.png', { file: dir.path }, PNG)).rejects.toMatchObject({
      code: 'storage_rejected',
    })

    expect(await readdir(dir.path)).toEqual([])
  })

  test('a folder that has the name of an object is refused, not replaced', async () => {
    const { dir, store } = await openStoreIn()
    await mkdir(dir.join('mug.png'))

    for (const when of ['always', 'absent', { etag: 'e' }] as const) {
      const put = store.put('mug.png', bytesOf('x'), { ...PNG, when })
      await expect(put).rejects.toThrow(`${dir.join('mug.png')} is a folder`)
    }
    // A look before a picture is paid for must say so too.
    await expect(store.head('mug.png')).rejects.toMatchObject({
      code: 'storage_rejected',
      message: expect.stringContaining('mug.png is a folder'),
    })
  })

  test.each(['mugs/red.png', 'mugs/large/red.png'])(
    'a file where %s needs a folder is refused by its name, also by a look',
    async (key) => {
      const { dir, store } = await openStoreIn()
      await writeFile(dir.join('mugs'), '')
      const refused = {
        code: 'storage_rejected',
        message: expect.stringContaining('a file is where a folder is needed'),
      }

      await expect(store.head(key)).rejects.toMatchObject(refused)
      await expect(store.get(key, { bytesMax: 9 })).rejects.toMatchObject(refused)
      await expect(store.put(key, bytesOf('x'), PNG)).rejects.toMatchObject(refused)
    },
  )

  test('the probe leaves nothing behind', async () => {
    const { dir, store } = await openStoreIn()

    await store.probe()

    expect(await readdir(dir.path)).toEqual([])
  })
})

describe('staying inside the root', () => {
  test.each([
    '',
    '/etc/x',
    '../x',
    'a/../../x',
    'a/./b',
    'a//b',
    'a/',
    '.hidden',
    'a/.meta/b',
    'a\\..\\b',
    'a\0b',
  ])('the key %j is refused by every operation', async (key) => {
    const { store } = await openStoreIn()
    const refused = { code: 'storage_rejected', message: expect.stringContaining('not a key') }

    await expect(store.put(key, bytesOf('x'), PNG)).rejects.toMatchObject(refused)
    await expect(store.get(key, { bytesMax: 1 })).rejects.toMatchObject(refused)
    await expect(store.head(key)).rejects.toMatchObject(refused)
  })

  test('a prefix that leads outside lists nothing', async () => {
    const { store } = await openStoreIn()

    await expect(store.list('../')[Symbol.asyncIterator]().next()).rejects.toThrow('not a key')
  })

  test('a folder that is a link to outside is refused, and nothing is made behind it', async () => {
    const { dir, store } = await openStoreIn()
    const outside = await openDir()
    await writeFile(outside.join('secret.png'), 'secret')
    await symlink(outside.path, dir.join('link'))
    const refused = { code: 'storage_rejected', message: expect.stringContaining('leads outside') }

    await expect(store.put('link/x.png', bytesOf('x'), PNG)).rejects.toMatchObject(refused)
    await expect(store.put('link/a/b/x.png', bytesOf('x'), PNG)).rejects.toMatchObject(refused)
    await expect(store.get('link/secret.png', { bytesMax: 9 })).rejects.toMatchObject(refused)
    await expect(store.list('link/')[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused)
    for await (const object of store.list('')) expect.unreachable(object.key)
    expect(await readdir(outside.path)).toEqual(['secret.png'])
  })

  test('a file that is a link is not followed', async () => {
    const { dir, store } = await openStoreIn()
    const outside = await openDir()
    await writeFile(outside.join('secret'), 'secret')
    await symlink(outside.join('secret'), dir.join('mug.png'))

    await expect(store.get('mug.png', { bytesMax: 9 })).rejects.toThrow('symbolic link')
    await store.put('mug.png', bytesOf('ours'), PNG)

    expect(await readFile(outside.join('secret'), 'utf8')).toBe('secret')
    expect(await readFile(dir.join('mug.png'), 'utf8')).toBe('ours')
  })

  test('the root itself may be a link', async () => {
    const { dir } = await openStoreIn()
    const other = await openDir()
    await symlink(dir.path, other.join('renders'))
    await using store = new FolderStore(other.join('renders'))

    await store.put('a/mug.png', bytesOf('x'), PNG)

    expect(await readFile(dir.join('a/mug.png'), 'utf8')).toBe('x')
  })
})

describe('the lock of { etag }', () => {
  test('a living owner is waited for', async () => {
    const { dir, store } = await openStoreIn()
    const { etag } = await store.put('mug.png', bytesOf('old'), PNG)
    const lock = await lockFile(dir.join('mug.png'))
    const put = store.put('mug.png', bytesOf('new'), { ...PNG, when: { etag } })

    const early = await Promise.race([put, new Promise((done) => setTimeout(done, 100))])
    await lock[Symbol.asyncDispose]()

    expect(early).toBeUndefined()
    expect(await put).toMatchObject({ kind: 'stored' })
  })

  test.each([
    {
      left: 'by a process that is dead',
      token: `${spawnSync('true').pid} ${hostname()} x`,
      ageMs: 0,
    },
    { left: 'by another machine, long ago', token: '1 elsewhere x', ageMs: 31_000 },
    { left: 'unsigned by whoever made it', token: '', ageMs: 1_100 },
  ])('a lock left $left is broken', async ({ token, ageMs }) => {
    const { dir, store } = await openStoreIn()
    const { etag } = await store.put('mug.png', bytesOf('old'), PNG)
    const path = await pathOfLock(dir)
    await writeFile(path, token)
    const then = new Date(Date.now() - ageMs)
    await utimes(path, then, then)

    const put = await store.put('mug.png', bytesOf('new'), { ...PNG, when: { etag } })

    expect(put.kind).toBe('stored')
    expect((await readdir(dir.path)).toSorted()).toEqual(['.meta', 'mug.png'])
  })

  test('an owner whose lock was broken is told before it writes', async () => {
    const dir = await openDir()
    const lock = await lockFile(dir.join('mug.png'))
    await lock.confirm()
    await rm(await pathOfLock(dir))

    await using successor = await lockFile(dir.join('mug.png'))

    await expect(lock.confirm()).rejects.toMatchObject({ code: 'storage_unavailable' })
    await lock[Symbol.asyncDispose]()
    await expect(successor.confirm()).resolves.toBeUndefined()
  })
})

async function openDir(): Promise<TempDir> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  return dir
}

async function openStoreIn(): Promise<{ dir: TempDir; store: FolderStore }> {
  const dir = await openDir()
  return { dir, store: new FolderStore(dir.path) }
}

const isLock = (name: string) => name.startsWith('.lock-')

/** Where the lock of `mug.png` lies, found by taking it. */
async function pathOfLock(dir: TempDir): Promise<string> {
  const present = (await readdir(dir.path)).find(isLock)
  if (present !== undefined) return dir.join(present)
  await using _lock = await lockFile(dir.join('mug.png'))
  return dir.join((await readdir(dir.path)).find(isLock) ?? '')
}
