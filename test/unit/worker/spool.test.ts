import {
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { hostname } from 'node:os'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openSpool } from '../../../src/worker/spool.ts'
import type { SpooledAnswer } from '../../../src/worker/spooled-answer.ts'
import { jobFor, newRun } from '../../helpers/jobs.ts'
import { tempDir } from '../../helpers/temp.ts'

const STORE = 'file:/store'

function answerFor(
  job: ReturnType<typeof jobFor>,
  picture: { byteCount: number; sha256: string },
): SpooledAnswer {
  return {
    version: 1,
    store: STORE,
    job,
    pictures: [
      {
        index: 0,
        file: 'picture-0',
        extension: 'png',
        mediaType: 'image/png',
        width: 1,
        height: 1,
        ...picture,
      },
    ],
    previews: [],
    links: [],
    usage: null,
    requestId: null,
    resolved: {},
    requestMs: 1,
    server: 'http://test',
    inputs: [],
    mask: null,
    markup: null,
    startedAt: new Date().toISOString(),
    attempts: 1,
    calls: 1,
    unknownCalls: 0,
    warnings: [],
  }
}

async function spoolOne(dir: string, bytes = Buffer.from('picture')) {
  const spool = await openSpool(dir)
  const job = jobFor(newRun(), 0)
  const draft = await spool.draft(job.fingerprint)
  const file = await draft.openPicture(0)
  await file.write(bytes.subarray(0, 3))
  await file.write(bytes.subarray(3))
  const [closed] = await draft.closePictures()
  return { spool, job, draft, answer: answerFor(job, closed!) }
}

/** From now on write() takes only the first byte of what it is given, as it may. */
async function writeShort(path: string) {
  const handle = await open(path, 'w')
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const { write } = prototype
  const short = async function (this: FileHandle, bytes: Uint8Array) {
    return Reflect.apply(write, this, [bytes, 0, 1]) as ReturnType<FileHandle['write']>
  }
  return vi.spyOn(prototype, 'write').mockImplementation(short as FileHandle['write'])
}

describe('the spool', () => {
  test('an answer is found as a whole once it is committed, and by the next process too', async () => {
    await using dir = await tempDir()
    const { spool, job, draft, answer } = await spoolOne(dir.path)
    expect(await spool.find(job.fingerprint, STORE)).toBeUndefined()

    await draft.commit(answer)
    await draft.discard()

    const next = await openSpool(dir.path)
    const found = await next.find(job.fingerprint, STORE)
    expect(found).toMatchObject({ job, pictures: [{ byteCount: 7 }] })
    expect(found?.pictures[0]?.file).toBe(dir.join(job.fingerprint, 'picture-0'))
    expect(await next.find(job.fingerprint, 'file:/another')).toBeUndefined()
  })

  test('a chunk that the disk takes in pieces arrives whole', async () => {
    await using dir = await tempDir()
    const write = await writeShort(dir.join('probe'))
    onTestFinished(() => write.mockRestore())

    const { job, draft, answer } = await spoolOne(dir.join('spool'))
    await draft.commit(answer)

    const stored = await readFile(dir.join('spool', job.fingerprint, 'picture-0'), 'utf8')
    expect(stored).toBe('picture')
  })

  test('a draft that was not committed leaves nothing', async () => {
    await using dir = await tempDir()
    const { draft } = await spoolOne(dir.path)

    await draft.discard()

    expect(await readdir(dir.path)).toEqual([])
  })

  test.each(['truncated', 'not JSON', 'another shape'])(
    'an answer that is damaged (%s) is not found',
    async (damage) => {
      await using dir = await tempDir()
      const { spool, job, draft, answer } = await spoolOne(dir.path)
      await draft.commit(answer)
      if (damage === 'truncated') await writeFile(dir.join(job.fingerprint, 'picture-0'), 'pic')
      else
        await writeFile(
          dir.join(job.fingerprint, 'answer.json'),
          damage === 'not JSON' ? '{"a' : '{}',
        )

      expect(await spool.find(job.fingerprint, STORE)).toBeUndefined()
      expect(await readdir(dir.path)).toEqual([])
    },
  )

  test('an answer without one of its pictures is not found', async () => {
    await using dir = await tempDir()
    const { spool, job, draft, answer } = await spoolOne(dir.path)
    await draft.commit(answer)
    await rm(dir.join(job.fingerprint, 'picture-0'))

    expect(await spool.find(job.fingerprint, STORE)).toBeUndefined()
    expect(await readdir(dir.path)).toEqual([])
  })

  test('a file in the place of an answer is no answer', async () => {
    await using dir = await tempDir()
    const { fingerprint } = jobFor(newRun(), 0)
    await writeFile(dir.join(fingerprint), 'whatever')

    expect(await (await openSpool(dir.path)).find(fingerprint, STORE)).toBeUndefined()
  })

  test.each(['answer.json', 'picture-0'])(
    'an answer whose %s can not be read right now is kept, and not taken for absent',
    async (name) => {
      await using dir = await tempDir()
      const { spool, job, draft, answer } = await spoolOne(dir.path)
      await draft.commit(answer)
      const path = dir.join(job.fingerprint, name)
      const bytes = await readFile(path)
      await rm(path)
      await symlink(path, path)

      await expect(spool.find(job.fingerprint, STORE)).rejects.toMatchObject({
        code: 'storage_unavailable',
        message: expect.stringContaining(path),
      })

      await rm(path)
      await writeFile(path, bytes)
      expect(await spool.find(job.fingerprint, STORE)).toMatchObject({ job })
    },
  )

  // The one folder of every Linux that never has any free space.
  test.runIf(process.platform === 'linux')(
    'a full disk is said to be one; that nothing was sent, only where it is so',
    async () => {
      const spool = await openSpool('/proc/self/fdinfo')
      const full = { code: 'storage_unavailable', message: expect.stringContaining('0 MB free') }

      await expect(spool.draft('ab')).rejects.toMatchObject(full)
      await expect(spool.draft('ab')).rejects.toThrow('nothing was sent')
      await expect(spool.reopen('ab')).rejects.toMatchObject(full)
      await expect(spool.reopen('ab')).rejects.not.toThrow('nothing was sent')
    },
  )

  test('a spool that has gone away is unavailable', async () => {
    await using dir = await tempDir()
    const spool = await openSpool(dir.join('spool'))
    await rm(dir.join('spool'), { recursive: true })

    await expect(spool.draft('ab')).rejects.toMatchObject({ code: 'storage_unavailable' })
  })

  test('drafts of dead processes are swept at the next start, those of living ones are not', async () => {
    await using dir = await tempDir()
    await mkdir(dir.join(`draft.${hostname()}.999999999.x`))
    await mkdir(dir.join(`draft.${hostname()}.${process.pid}.y`))
    await mkdir(dir.join('draft.another-host.1.z'))

    await openSpool(dir.path)

    expect((await readdir(dir.path)).toSorted()).toEqual(
      [`draft.${hostname()}.${process.pid}.y`, 'draft.another-host.1.z'].toSorted(),
    )
  })
})
