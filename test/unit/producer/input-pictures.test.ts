import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { link, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { InputPictures } from '../../../src/producer/input-pictures.ts'
import { readRegularFile } from '../../../src/producer/read-inside.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

/** A program of every Unix. */
const MAKE_FIFO = 'mkfifo'

let png: Buffer

beforeAll(async () => {
  const blank = { width: 4, height: 3, channels: 4, background: '#0af8' } as const
  png = await sharp({ create: blank }).png().toBuffer()
})

/** `shop/` is the manifest's folder, `outside/` is not; both hold a good mug.png. */
async function shop(): Promise<TempDir & { find(reference: string): Promise<unknown> }> {
  const dir = await tempDir()
  await mkdir(dir.join('shop', 'photos'), { recursive: true })
  await mkdir(dir.join('outside'))
  await writeFile(dir.join('shop', 'photos', 'mug.png'), png)
  await writeFile(dir.join('outside', 'mug.png'), png)
  const base = dir.join('shop')
  const pictures = new InputPictures(base, [base])
  return { ...dir, find: async (reference) => await pictures.find(reference) }
}

const outside = { kind: 'problem', message: expect.stringContaining('is outside of') as string }

describe('a local picture', () => {
  test('is known by its bytes', async () => {
    await using dir = await shop()
    const sha256 = createHash('sha256').update(png).digest('hex')

    expect(await dir.find('photos/mug.png')).toEqual({
      kind: 'picture',
      input: {
        kind: 'stored',
        key: `_inputs/${sha256}.png`,
        sha256,
        mediaType: 'image/png',
        byteCount: png.length,
      },
      local: expect.objectContaining({
        file: dir.join('shop', 'photos', 'mug.png'),
        width: 4,
        height: 3,
        hasAlpha: true,
      }) as unknown,
    })
  })

  test.each([
    './photos/mug.png',
    'photos/../photos/mug.png',
    'photos//mug.png',
    '../shop/photos/mug.png',
  ])('may be reached by %s', async (reference) => {
    await using dir = await shop()

    expect(await dir.find(reference)).toMatchObject({ kind: 'picture' })
  })

  test('may be named by an absolute path inside', async () => {
    await using dir = await shop()

    expect(await dir.find(dir.join('shop/photos/mug.png'))).toMatchObject({ kind: 'picture' })
  })

  test('may be a link, and lie behind one, as long as that ends inside', async () => {
    await using dir = await shop()
    await symlink('mug.png', dir.join('shop/photos/link.png'))
    await symlink('photos', dir.join('shop/pictures'))

    expect(await dir.find('photos/link.png')).toMatchObject({ kind: 'picture' })
    expect(await dir.find('pictures/mug.png')).toMatchObject({ kind: 'picture' })
  })

  test('counts once, however often and by whatever path it is named', async () => {
    await using dir = await tempDir()
    await writeFile(dir.join('a.png'), png)
    await link(dir.join('a.png'), dir.join('b.png'))
    await symlink('a.png', dir.join('c.png'))
    const pictures = new InputPictures(dir.path, [dir.path])

    for (const name of ['a.png', 'b.png', 'c.png', './a.png', 'a.png']) await pictures.find(name)

    expect(pictures.locals).toHaveLength(1)
  })

  test('is read once per plan', async () => {
    await using dir = await shop()
    const first = await dir.find('photos/mug.png')
    await rm(dir.join('shop/photos/mug.png'))

    expect(await dir.find('photos/mug.png')).toEqual(first)
  })

  test('may come from another folder that is allowed', async () => {
    await using dir = await shop()
    const pictures = new InputPictures(dir.join('shop'), [dir.join('shop'), dir.join('outside')])

    expect(await pictures.find('../outside/mug.png')).toMatchObject({ kind: 'picture' })
  })

  test('an allowed folder that is not there is a configuration error', async () => {
    await using dir = await shop()
    const pictures = new InputPictures(dir.join('shop'), [dir.join('nowhere')])

    await expect(pictures.find('photos/mug.png')).rejects.toMatchObject({ code: 'config_invalid' })
  })
})

describe('nothing outside is read', () => {
  test.each([
    '../outside/mug.png',
    'photos/../../outside/mug.png',
    '/etc/hostname',
    '/proc/self/environ',
    '/dev/zero',
    '..',
    '/',
  ])('%s', async (reference) => {
    await using dir = await shop()

    expect(await dir.find(reference)).toMatchObject(outside)
  })

  test('by an absolute path', async () => {
    await using dir = await shop()

    expect(await dir.find(dir.join('outside/mug.png'))).toMatchObject(outside)
  })

  test('in a folder whose name begins like the allowed one', async () => {
    await using dir = await shop()
    await mkdir(dir.join('shop-secret'))
    await writeFile(dir.join('shop-secret/mug.png'), png)

    expect(await dir.find('../shop-secret/mug.png')).toMatchObject(outside)
  })

  test('through a link to a file, a link to a folder, or a chain of links', async () => {
    await using dir = await shop()
    await symlink(dir.join('outside/mug.png'), dir.join('shop/file.png'))
    await symlink('../outside', dir.join('shop/folder'))
    await symlink('file.png', dir.join('shop/chain.png'))

    for (const reference of ['file.png', 'folder/mug.png', 'chain.png']) {
      expect(await dir.find(reference)).toMatchObject(outside)
    }
  })

  test('through a link that takes the place of a file after it was located', async () => {
    await using dir = await shop()
    const path = dir.join('shop/photos/mug.png')
    await rm(path)
    await symlink(dir.join('outside/mug.png'), path)

    expect(await readRegularFile(path, 1e6)).toEqual({
      kind: 'problem',
      message: 'is not a regular file',
    })
  })

  test('through a folder that was replaced by a link after it was located', async () => {
    await using dir = await shop()
    await rename(dir.join('shop/photos'), dir.join('shop/moved'))
    await symlink(dir.join('outside'), dir.join('shop/photos'))

    expect(await readRegularFile(dir.join('shop/photos/mug.png'), 1e6)).toEqual({
      kind: 'problem',
      message: 'changed while it was read',
    })
  })
})

describe('what is no picture', () => {
  test('a folder, a FIFO and a device', async () => {
    await using dir = await shop()
    execFileSync(MAKE_FIFO, [dir.join('shop/fifo.png')])
    const devices = new InputPictures('/dev', ['/dev'])

    expect(await dir.find('photos')).toEqual({ kind: 'problem', message: 'is a folder' })
    expect(await dir.find('fifo.png')).toEqual({
      kind: 'problem',
      message: 'is not a regular file',
    })
    expect(await devices.find('zero')).toEqual({
      kind: 'problem',
      message: 'is not a regular file',
    })
  })

  test('a missing file, with the nearest name beside it', async () => {
    await using dir = await shop()

    expect(await dir.find('photos/mgu.png')).toEqual({
      kind: 'problem',
      message: 'there is no such file',
      suggestion: 'photos/mug.png',
    })
    expect(await dir.find('elsewhere/a.png')).toEqual({
      kind: 'problem',
      message: 'there is no such file',
    })
    expect(await dir.find('photos/mug.png/x.png')).toMatchObject({
      message: 'there is no such file',
    })
  })

  test('a file of 50 MB or more, without reading it', async () => {
    await using dir = await shop()
    await truncate(dir.join('shop/photos/mug.png'), 50 * 1024 ** 2)

    expect(await dir.find('photos/mug.png')).toEqual({
      kind: 'problem',
      message: 'is too large (50.0 MB): the API takes pictures under 50.0 MB',
    })
  })

  test('a file that is something else, cut short, or empty', async () => {
    await using dir = await shop()
    const write = async (name: string, bytes: Buffer | string) =>
      await writeFile(join(dir.path, 'shop', name), bytes)
    await write('text.png', 'not a picture at all')
    await write('cut.png', png.subarray(0, -12))
    await write('empty.png', '')
    await write('x.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"></svg>')

    for (const name of ['text.png', 'cut.png', 'empty.png']) {
      expect(await dir.find(name)).toMatchObject({
        kind: 'problem',
        message: expect.stringMatching(/^can't be used: (not a picture|cut short|empty)/) as string,
      })
    }
    expect(await dir.find('x.svg')).toEqual({
      kind: 'problem',
      message: 'is image/svg+xml: the API takes PNG, WebP and JPEG',
    })
  })

  test.each(['C:\\photos\\mug.png', 'c:/photos/mug.png', '\\\\server\\share\\mug.png'])(
    'a Windows path: %s',
    async (reference) => {
      await using dir = await shop()

      expect(await dir.find(reference)).toMatchObject({
        message: 'is a Windows path: write it relative to the manifest, with /',
      })
    },
  )

  test.each([`${'a/'.repeat(5_000)}x.png`, 'a'.repeat(300), 'a\0b.png', ''])(
    'a path that is none: %j',
    async (reference) => {
      await using dir = await shop()

      expect(await dir.find(reference)).toMatchObject({ kind: 'problem' })
    },
  )
})

describe('a URL is taken as it is', () => {
  test.each([
    ['https://shop.example/a.png?x=1,2', 'url'],
    ['HTTP://shop.example/a.png', 'url'],
    ['s3://bucket/photos/a b.png', 's3'],
  ])('%s', async (url, kind) => {
    expect(await new InputPictures('/', []).find(url)).toEqual({
      kind: 'picture',
      input: { kind, url },
    })
  })

  test.each([
    ['https://user:secret@shop.example/a.png', 'holds a user name or password'],
    ['https://', 'is not a valid URL'],
    ['https://shop example/a.png', 'is not a valid URL'],
    ['s3://bucket', 'must be s3://bucket/key'],
    ['s3:///key', 'must be s3://bucket/key'],
    ['file:///etc/passwd', 'must be a file beside the manifest'],
    ['ftp://shop.example/a.png', 'must be a file beside the manifest'],
    ['data:image/png;base64,AAAA', 'must be a file beside the manifest'],
    [`https://shop.example/${'a'.repeat(9_000)}`, 'is a URL of more than 8192 characters'],
  ])('%s is refused', async (url, message) => {
    const found = await new InputPictures('/', []).find(url)

    expect(found).toMatchObject({
      kind: 'problem',
      message: expect.stringContaining(message) as string,
    })
    expect(JSON.stringify(found)).not.toContain('secret')
  })
})
