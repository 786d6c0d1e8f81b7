/** Paths in a manifest: only regular files that really lie under an allowed folder are ever read. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { link, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import sharp from 'sharp'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ManifestError } from '../../src/errors.ts'
import { enqueuePlan } from '../../src/producer/enqueue.ts'
import { planManifest, type Plan, type PlanOptions } from '../../src/producer/plan.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { FolderStore } from '../../src/storage/folder.ts'
import { OPTIONS } from '../unit/producer/planning.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'

/** A program of every Unix. */
const MAKE_FIFO = 'mkfifo'

const OUTSIDE = /is outside of .*: only pictures in there are read$/
const MISSING = /there is no such file$/
const NOT_REGULAR = /is not a regular file$/
const FOLDER = /is a folder$/
const NO_PATH = /holds a NUL character|is too long for a path$/
const WINDOWS = /is a Windows path/
const NO_FILE_URL = /must be a file beside the manifest/
const UNUSABLE = /can't be used: /

let inside: Buffer
let outside: Buffer
let caseCount = 0
let escapeCount = 0

beforeAll(async () => {
  const blank = { width: 4, height: 3, channels: 4 } as const
  inside = await sharp({ create: { ...blank, background: '#0af8' } })
    .png()
    .toBuffer()
  outside = await sharp({ create: { ...blank, background: '#f008' } })
    .png()
    .toBuffer()
})

/** `shop/` is the manifest's folder; of all that lies elsewhere, nothing may be read. */
async function openShop(): Promise<TempDir> {
  const dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
  for (const folder of ['shop/photos', 'outside', 'shop-secret']) {
    await mkdir(dir.join(folder), { recursive: true })
  }
  await writeFile(dir.join('shop/photos/mug.png'), inside)
  await writeFile(dir.join('outside/mug.png'), outside)
  await writeFile(dir.join('shop-secret/mug.png'), outside)
  return dir
}

async function planFor(dir: TempDir, row: object, options: Partial<PlanOptions> = {}) {
  const manifest = options.manifest ?? dir.join('shop/catalog.jsonl')
  await writeFile(manifest, JSON.stringify({ id: '1', prompt: 'x', ...row }))
  return await planManifest({ ...OPTIONS, workDir: dir.join('work'), ...options, manifest })
}

/** `read` when the picture inside was taken; else the first problem, as a person sees it. */
async function outcomeOf(planning: Promise<Plan>): Promise<string> {
  caseCount += 1
  try {
    await using plan = await planning
    const [input] = plan.inputs
    if (plan.inputs.some(({ sha256 }) => sha256 === digestOf(outside))) escapeCount += 1
    return input?.sha256 === digestOf(inside) ? 'read' : 'another picture was read'
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    const [problem] = error.problems
    // A suggestion would tell names of a folder that is none of the manifest's business.
    if (problem?.suggestion !== undefined && /outside|etc|root/.test(problem.suggestion)) {
      escapeCount += 1
    }
    return problem?.message ?? ''
  }
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('as it is written', () => {
  const written: [string, string | RegExp][] = [
    // Inside, in odd ways.
    ['photos/mug.png', 'read'],
    ['./photos/./mug.png', 'read'],
    ['photos//mug.png', 'read'],
    ['photos/../photos/mug.png', 'read'],
    ['../shop/photos/mug.png', 'read'],
    ['photos/mug.png/', 'read'],
    ['nowhere/../photos/mug.png', 'read'],
    // Up and out.
    ['../outside/mug.png', OUTSIDE],
    ['./../outside/mug.png', OUTSIDE],
    ['..//outside//mug.png', OUTSIDE],
    ['photos/../../outside/mug.png', OUTSIDE],
    ['photos/mug.png/../../../outside/mug.png', OUTSIDE],
    ['../shop-secret/mug.png', OUTSIDE],
    [`${'../'.repeat(100)}etc/passwd`, OUTSIDE],
    ['..', OUTSIDE],
    ['../..', OUTSIDE],
    ['/', OUTSIDE],
    ['//', OUTSIDE],
    ['.', FOLDER],
    ['photos', FOLDER],
    ['photos/', FOLDER],
    ['photos/.', FOLDER],
    // Absolute.
    ['/etc/passwd', OUTSIDE],
    ['/etc/shadow', OUTSIDE],
    ['//etc/passwd', OUTSIDE],
    ['/proc/self/environ', OUTSIDE],
    ['/proc/self/mem', OUTSIDE],
    ['/proc/self/fd/0', OUTSIDE],
    ['/proc/self/root/etc/passwd', OUTSIDE],
    ['/proc/1/environ', OUTSIDE],
    ['/dev/zero', OUTSIDE],
    ['/dev/random', OUTSIDE],
    ['/dev/stdin', OUTSIDE],
    ['/dev/tty', OUTSIDE],
    ['/sys/class', OUTSIDE],
    // What is not there: told apart only inside.
    ['photos/pot.png', MISSING],
    ['../outside/pot.png', OUTSIDE],
    ['../outside/mgu.png', OUTSIDE],
    ['../outside/mug.png/x', OUTSIDE],
    ['../nowhere/mug.png', OUTSIDE],
    ['/root/secret/mug.png', OUTSIDE],
    ['/etc/passwd/mug.png', OUTSIDE],
    // Other people's spellings.
    ['C:\\Windows\\win.ini', WINDOWS],
    ['c:/Windows/win.ini', WINDOWS],
    ['C:mug.png', MISSING],
    ['\\\\server\\share\\mug.png', WINDOWS],
    ['\\\\?\\C:\\mug.png', WINDOWS],
    ['\\\\.\\pipe\\mug', WINDOWS],
    ['//server/share/mug.png', OUTSIDE],
    ['..\\outside\\mug.png', MISSING],
    ['photos\\..\\..\\outside\\mug.png', MISSING],
    ['file:///etc/passwd', NO_FILE_URL],
    ['FILE:/etc/passwd', NO_FILE_URL],
    ['file:../outside/mug.png', NO_FILE_URL],
    ['file://localhost/etc/passwd', NO_FILE_URL],
    ['%2e%2e/outside/mug.png', MISSING],
    ['..%2foutside%2fmug.png', MISSING],
    ['%2e%2e%2foutside%2fmug.png', MISSING],
    ['..%252foutside/mug.png', MISSING],
    ['..%c0%afoutside/mug.png', MISSING],
    ['．．/outside/mug.png', MISSING],
    ['‥/outside/mug.png', MISSING],
    ['....//outside/mug.png', MISSING],
    ['~/.ssh/id_rsa', MISSING],
    ['~root/.ssh/id_rsa', MISSING],
    ['$HOME/mug.png', MISSING],
    ['`id`', MISSING],
    ['photos/*.png', MISSING],
    ['-rf', MISSING],
    // No paths at all.
    ['photos/mug.png\0', NO_PATH],
    ['photos/mug.png\0.jpg', NO_PATH],
    ['../outside/mug.png\0', NO_PATH],
    ['\0', NO_PATH],
    ['a'.repeat(300), NO_PATH],
    [`${'a/'.repeat(3_000)}mug.png`, NO_PATH],
    [`../outside/${'a'.repeat(300)}`, OUTSIDE],
    ['../'.repeat(3_000), NO_PATH],
    ['photos/mug.png\n', 'read'],
    ['photos/mug.png\nx', MISSING],
    ['photos/\u202Egnp.gum', MISSING],
  ]

  test.each(written)('%j', async (reference, expected) => {
    const dir = await openShop()
    for (const column of ['image', 'mask']) {
      const row = { image: ['photos/mug.png'], [column]: [reference] }
      const outcome = await outcomeOf(planFor(dir, row))
      if (typeof expected === 'string') expect(outcome).toBe(expected)
      else expect(outcome).toMatch(expected)
      await rm(dir.join('work'), { recursive: true, force: true })
    }
  })

  test('an absolute path inside, and one outside', async () => {
    const dir = await openShop()

    expect(await outcomeOf(planFor(dir, { image: dir.join('shop/photos/mug.png') }))).toBe('read')
    expect(await outcomeOf(planFor(dir, { image: dir.join('outside/mug.png') }))).toMatch(OUTSIDE)
    const dots = `${dir.join('shop')}/../outside/mug.png`
    expect(await outcomeOf(planFor(dir, { image: dots }))).toMatch(OUTSIDE)
  })

  test('in another case', async () => {
    const dir = await openShop()
    // Where names of another case are the same file, it is the one inside.
    expect(await outcomeOf(planFor(dir, { image: 'PHOTOS/MUG.PNG' }))).toMatch(
      /^read$|there is no such file$/,
    )
  })
})

describe('by what lies there', () => {
  type Place = (dir: TempDir) => Promise<unknown>
  const shopLink =
    (to: string): Place =>
    async (dir) =>
      await symlink(to, dir.join('shop/it.png'))
  const placed: [string, Place, string | RegExp][] = [
    ['a link to a file inside', shopLink('photos/mug.png'), 'read'],
    ['a link to a file outside', shopLink('../outside/mug.png'), OUTSIDE],
    ['a link to a file outside that is not there', shopLink('../outside/pot.png'), MISSING],
    ['a link to a secret of the system', shopLink('/etc/passwd'), OUTSIDE],
    ['a link to the environment', shopLink('/proc/self/environ'), OUTSIDE],
    ['a link to a device', shopLink('/dev/zero'), OUTSIDE],
    ['a link to a folder outside', shopLink('../outside'), OUTSIDE],
    ['a link to the root', shopLink('/'), OUTSIDE],
    ['a link to itself', shopLink('it.png'), /leads nowhere$/],
    [
      'a hard link to a file outside, which is that very file',
      async (dir) => {
        await writeFile(dir.join('outside/same.png'), inside)
        await link(dir.join('outside/same.png'), dir.join('shop/it.png'))
      },
      'read',
    ],
    [
      'a chain of links that ends outside',
      async (dir) => {
        await symlink('two.png', dir.join('shop/it.png'))
        await symlink('../outside/mug.png', dir.join('shop/two.png'))
      },
      OUTSIDE,
    ],
    ['a FIFO', async (dir) => execFileSync(MAKE_FIFO, [dir.join('shop/it.png')]), NOT_REGULAR],
    [
      'a link to a FIFO',
      async (dir) => {
        execFileSync(MAKE_FIFO, [dir.join('shop/pipe')])
        await symlink('pipe', dir.join('shop/it.png'))
      },
      NOT_REGULAR,
    ],
    [
      'a socket',
      async (dir) => {
        const server = createServer().listen(dir.join('shop/it.png'))
        await once(server, 'listening')
        onTestFinished(() => void server.close())
      },
      NOT_REGULAR,
    ],
    ['a folder', async (dir) => await mkdir(dir.join('shop/it.png')), FOLDER],
    ['nothing in it', async (dir) => await writeFile(dir.join('shop/it.png'), ''), UNUSABLE],
    ['a text', async (dir) => await writeFile(dir.join('shop/it.png'), 'root:x:0:0'), UNUSABLE],
    [
      'an SVG that names a file',
      async (dir) =>
        await writeFile(
          dir.join('shop/it.png'),
          '<svg width="4" height="3"><image href="file:///etc/passwd"/></svg>',
        ),
      /is image\/svg\+xml/,
    ],
    [
      'one byte too many',
      async (dir) => {
        await writeFile(dir.join('shop/it.png'), inside)
        await truncate(dir.join('shop/it.png'), 50 * 1024 ** 2)
      },
      /is too large \(50\.0 MB\)/,
    ],
    [
      'a hole of a hundred gigabytes',
      async (dir) => {
        await writeFile(dir.join('shop/it.png'), inside)
        await truncate(dir.join('shop/it.png'), 100 * 1024 ** 3)
      },
      /is too large \(102400\.0 MB\)/,
    ],
  ]

  test.each(placed)('%s', async (_, place, expected) => {
    const dir = await openShop()
    await place(dir)
    const outcome = await outcomeOf(planFor(dir, { image: ['it.png'] }))

    if (typeof expected === 'string') expect(outcome).toBe(expected)
    else expect(outcome).toMatch(expected)
  })

  test('a folder that is a link outside hides what is there and what is not', async () => {
    const dir = await openShop()
    await symlink('../outside', dir.join('shop/linked'))
    for (const name of ['mug.png', 'pot.png', 'mgu.png', '', 'a/b/c.png']) {
      const outcome = await outcomeOf(planFor(dir, { image: [`linked/${name}`] }))
      expect(outcome).toMatch(OUTSIDE)
    }
  })

  test('devices and pseudo files, even where their folder is allowed', async () => {
    const dir = await openShop()
    const imageRoots = ['/dev', '/proc', '/sys']
    for (const image of ['/dev/zero', '/dev/random', '/dev/null', '/dev/tty']) {
      const outcome = await outcomeOf(planFor(dir, { image: [image] }, { imageRoots }))
      expect(outcome).toMatch(NOT_REGULAR)
    }
    // They say they have no bytes, and no more is read.
    for (const image of ['/proc/self/environ', '/proc/self/mem', '/proc/kmsg']) {
      const outcome = await outcomeOf(planFor(dir, { image: [image] }, { imageRoots }))
      expect(outcome).toMatch(/empty: 0 bytes|may not be read|there is no such file|is outside of/)
    }
  })

  test.skipIf(process.getuid?.() === 0)('a file that this user may not read', async () => {
    const dir = await openShop()
    await writeFile(dir.join('shop/it.png'), inside, { mode: 0 })

    expect(await outcomeOf(planFor(dir, { image: ['it.png'] }))).toMatch(/may not be read/)
  })

  test('the manifest’s folder and an allowed one may be reached by a link', async () => {
    const dir = await openShop()
    await symlink('shop', dir.join('alias'))
    const manifest = dir.join('alias/catalog.jsonl')
    const planned = (image: string) => outcomeOf(planFor(dir, { image: [image] }, { manifest }))

    expect(await planned('photos/mug.png')).toBe('read')
    expect(await planned(dir.join('shop/photos/mug.png'))).toBe('read')
    expect(await planned(dir.join('alias/photos/mug.png'))).toBe('read')
    expect(await planned('../outside/mug.png')).toMatch(OUTSIDE)
    await symlink('shop/photos', dir.join('photo-link'))
    const imageRoots = [dir.join('photo-link')]
    const other = planFor(
      dir,
      { image: ['../shop/photos/mug.png'] },
      { manifest: dir.join('outside/catalog.jsonl'), imageRoots },
    )
    expect(await outcomeOf(other)).toBe('read')
  })
})

describe('when it changes after it was read', () => {
  test.each([
    ['a link to outside', (dir: TempDir) => symlink('../../outside/mug.png', pathIn(dir))],
    ['a FIFO', async (dir: TempDir) => execFileSync(MAKE_FIFO, [pathIn(dir)])],
    ['a device', (dir: TempDir) => symlink('/dev/zero', pathIn(dir))],
    ['a folder', (dir: TempDir) => mkdir(pathIn(dir))],
    ['other bytes', (dir: TempDir) => writeFile(pathIn(dir), outside)],
    ['more bytes', (dir: TempDir) => writeFile(pathIn(dir), Buffer.concat([inside, outside]))],
    ['nothing', async () => undefined],
  ])('to %s, it is not uploaded', async (_, place) => {
    const dir = await openShop()
    await using plan = await planFor(dir, { image: ['photos/mug.png'] })
    await rename(pathIn(dir), dir.join('shop/moved.png'))
    await place(dir)
    const store = new FolderStore(dir.join('renders'))
    const queue = { ledger: { findUnfinished: async () => undefined } } as unknown as Queue

    await expect(enqueuePlan(plan, { queue, store })).rejects.toMatchObject({
      problems: [{ message: expect.stringMatching(/: run the command again$/) as string }],
    })
    for await (const { key } of store.list('')) expect.fail(`${key} was stored`)
    caseCount += 1
  })
})

const pathIn = (dir: TempDir) => dir.join('shop/photos/mug.png')

test('the sums: nothing escaped', () => {
  console.log(`paths: ${caseCount} cases, ${escapeCount} escapes`)
  expect(caseCount).toBeGreaterThanOrEqual(150)
  expect(escapeCount).toBe(0)
})
