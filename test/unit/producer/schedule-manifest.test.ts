import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  openScheduledManifest,
  travellingManifest,
} from '../../../src/producer/schedule-manifest.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import type { Store } from '../../../src/storage/store.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

let dir: TempDir
let store: Store
beforeAll(async () => {
  dir = await tempDir()
  await mkdir(dir.join('root/jobs'), { recursive: true })
  await writeFile(dir.join('root/jobs/catalog.csv'), 'prompt\na mug\n')
  await writeFile(dir.join('secret.csv'), 'prompt\nsecret\n')
  await symlink(dir.join('secret.csv'), dir.join('root/link.csv'))
  await symlink(dir.join('root/jobs'), dir.join('root/linked-jobs'))
  store = await openStore({ kind: 'folder', dir: dir.join('store') })
  await store.put('exports/sale.csv', Buffer.from('prompt\na sale\n'), {
    contentType: 'text/csv',
    when: 'always',
  })
})
afterAll(async () => {
  await store[Symbol.asyncDispose]()
  await dir[Symbol.asyncDispose]()
})

const open = (manifest: string) =>
  openScheduledManifest(manifest, { store, root: dir.join('root'), workDir: dir.join('work') })

describe('as it travels', () => {
  const travel = (manifest: string) =>
    travellingManifest(manifest, { fileDir: '/srv/shop/jobs', root: '/srv/shop' })

  test.each([
    ['catalog.csv', 'jobs/catalog.csv'],
    ['../exports/catalog.csv', 'exports/catalog.csv'],
    ['/srv/shop/a/b.csv', 'a/b.csv'],
    ['..odd.csv', 'jobs/..odd.csv'],
    ['store:exports/catalog.csv', 'store:exports/catalog.csv'],
    ['s3://bucket/catalog.csv', 's3://bucket/catalog.csv'],
  ])('%s is %s', (manifest, path) => {
    expect(travel(manifest)).toBe(path)
  })

  test.each(['../../catalog.csv', '/etc/passwd', '/srv/shop2/x.csv', '..'])(
    '%s is outside of the root',
    (manifest) => {
      expect(() => travel(manifest)).toThrow(/is outside of .*srv.shop.*--schedule-root/)
    },
  )

  test('a key of the store must be one', () => {
    expect(() => travel('store:../x.csv')).toThrow('the key has a segment that begins with a dot')
    expect(() => travel('store:_runs/x.csv')).toThrow('begins with _')
  })
})

describe('when it is read', () => {
  test('a file is read where it lies', async () => {
    await using manifest = await open('jobs/catalog.csv')
    expect(manifest.path).toBe(dir.join('root/jobs/catalog.csv'))
  })

  test('links that stay inside are followed', async () => {
    await using manifest = await open('linked-jobs/catalog.csv')
    expect(manifest.path).toBe(dir.join('root/jobs/catalog.csv'))
  })

  test.each(['../secret.csv', 'jobs/../../secret.csv', 'link.csv', '/etc/hostname'])(
    '%s leads outside, and is refused',
    async (manifest) => {
      await expect(open(manifest)).rejects.toThrow('is outside of')
    },
  )

  test('a file that is not there is said to be missing, and where it was looked for', async () => {
    await expect(open('jobs/nightly.csv')).rejects.toThrow(
      `manifest "jobs/nightly.csv": there is no such file in the schedule root ${dir.join('root')}`,
    )
  })

  test('an object of the store is copied, and the copy removed', async () => {
    {
      await using manifest = await open('store:exports/sale.csv')
      expect(await readFile(manifest.path, 'utf8')).toBe('prompt\na sale\n')
      expect(manifest.path).toMatch(/sale\.csv$/)
    }
    expect(await readdir(dir.path)).not.toContain('work')
  })

  test('an object that is not there is said to be missing', async () => {
    await expect(open('store:exports/none.csv')).rejects.toThrow('there is no such file')
    await expect(open('store:../../secret.csv')).rejects.toThrow('the key')
  })
})
