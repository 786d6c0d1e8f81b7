/**
 * Somebody swaps a picture, or its folder, for a link to outside or a pipe while it is looked at, and maybe back again:
 * tried at every moment between two looks at the file system, instead of by luck with a thread.
 */
import { execFileSync } from 'node:child_process'
import { renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { locateInside, readRegularFile } from '../../src/producer/read-inside.ts'
import { tempDir } from '../helpers/temp.ts'

/** A program of every Unix. */
const MAKE_FIFO = 'mkfifo'

/** Called before each look that goes by a path. */
const beforeLook = vi.hoisted(() => ({ hook: (): void => undefined }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>()
  const watched = ['lstat', 'open', 'readdir', 'readlink', 'realpath'] as const
  const wrapped = watched.map((name) => {
    const original = real[name] as (...args: unknown[]) => unknown
    const wrapper = (...args: unknown[]) => {
      beforeLook.hook()
      return original(...args)
    }
    return [name, wrapper] as const
  })
  return { ...real, ...Object.fromEntries(wrapped) }
})

const SWAPS = {
  'the folder': {
    there: (shop: string) => {
      renameSync(`${shop}/photos`, `${shop}/moved`)
      symlinkSync('../outside', `${shop}/photos`)
    },
    back: (shop: string) => {
      unlinkSync(`${shop}/photos`)
      renameSync(`${shop}/moved`, `${shop}/photos`)
    },
  },
  'the file': {
    there: (shop: string) => {
      renameSync(`${shop}/photos/mug.png`, `${shop}/moved.png`)
      symlinkSync('../../outside/mug.png', `${shop}/photos/mug.png`)
    },
    back: (shop: string) => {
      unlinkSync(`${shop}/photos/mug.png`)
      renameSync(`${shop}/moved.png`, `${shop}/photos/mug.png`)
    },
  },
  // Whoever opens it waits for somebody to write, unless told not to.
  'the file, for a pipe': {
    there: (shop: string) => {
      renameSync(`${shop}/photos/mug.png`, `${shop}/moved.png`)
      execFileSync(MAKE_FIFO, [`${shop}/photos/mug.png`])
    },
    back: (shop: string) => {
      unlinkSync(`${shop}/photos/mug.png`)
      renameSync(`${shop}/moved.png`, `${shop}/photos/mug.png`)
    },
  },
}
/** More looks than there are: the last moments are "after everything". */
const MOMENTS = 8

// Elsewhere nobody tells where an open file lies, and one moment is left.
test.skipIf(process.platform !== 'linux').each(Object.entries(SWAPS))(
  '%s, swapped at any moment and back at any other',
  async (_, swap) => {
    await using dir = await tempDir()
    const shop = dir.join('shop')
    await mkdir(dir.join('shop/photos'), { recursive: true })
    await mkdir(dir.join('outside'))
    await writeFile(dir.join('shop/photos/mug.png'), 'inside')
    await writeFile(dir.join('outside/mug.png'), 'outside')
    const outcomes: Record<string, number> = {}

    for (let there = 0; there < MOMENTS; there += 1) {
      for (let back = there + 1; back <= MOMENTS; back += 1) {
        let look = 0
        beforeLook.hook = () => {
          if (look === there) swap.there(shop)
          if (look === back) swap.back(shop)
          look += 1
        }
        const located = await locateInside('photos/mug.png', shop, [shop])
        const read = located.kind === 'path' ? await readRegularFile(located.path, 100) : located
        beforeLook.hook = () => undefined
        if (look > there && look <= back) swap.back(shop)
        const outcome = read.kind === 'bytes' ? read.bytes.toString() : 'refused'
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      }
    }

    console.log('paths, swapped meanwhile:', outcomes)
    expect(outcomes).not.toHaveProperty('outside')
    expect(outcomes['inside']).toBeGreaterThan(0)
    expect(outcomes['refused']).toBeGreaterThan(0)
  },
)
