/**
 * The spool: the local folder where an answer lands before it is uploaded. An answer becomes visible as a
 * whole, by renaming its folder to its fingerprint; from then on a crash or a storage outage costs no second
 * call, because the next try on this machine finds it here.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { messageOf, StorageUnavailableError } from '../errors.ts'
import { newDraft, reopenedDraft, type Draft } from './spool-draft.ts'
import { ANSWER_FILE, inFolder, SpooledAnswer } from './spooled-answer.ts'

/** Below this much free disk nothing is received: it might not find a place. */
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** Longer than any call; what is older and not committed was left by a crash. */
const DRAFT_STALE_MS = 24 * 3_600_000
const DRAFT_PREFIX = 'draft.'

export interface Spool {
  /**
   * The answer that was bought for this store, if it is here and whole. A disk that can't be read is no proof
   * that it is not: then it throws, and nothing is bought or removed.
   */
  find(fingerprint: string, store: string): Promise<SpooledAnswer | undefined>
  /** Refuses when the disk is nearly full, before anything is paid. */
  draft(fingerprint: string): Promise<Draft>
  /** Goes on with an answer that is there: what it was committed with stays until the next commit. */
  reopen(fingerprint: string): Promise<Draft>
  remove(fingerprint: string): Promise<void>
}

export async function openSpool(dir: string): Promise<Spool> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await sweepDrafts(dir)

  async function find(fingerprint: string, store: string): Promise<SpooledAnswer | undefined> {
    const folder = join(dir, fingerprint)
    const text = await unlessAbsent(readFile(join(folder, ANSWER_FILE), 'utf8'))
    if (text === undefined) return undefined
    const answer = SpooledAnswer.safeParse(parseJson(text))
    if (answer.success && (await isIntact(folder, answer.data))) {
      return answer.data.store === store ? inFolder(folder, answer.data) : undefined
    } // A bit flip or a half-removed folder: worth nothing, and it must not be found again.
    await rm(folder, { recursive: true, force: true })
    return undefined
  }

  return {
    find,
    async draft(fingerprint) {
      const folder = join(dir, `${DRAFT_PREFIX}${hostname()}.${process.pid}.${randomUUID()}`)
      await requireFreeSpace(dir, 'nothing was sent')
      await mkdir(folder).catch(failing)
      return newDraft(folder, join(dir, fingerprint))
    },
    async reopen(fingerprint) {
      await requireFreeSpace(dir, 'the answer waits here until its pictures can be downloaded')
      return reopenedDraft(join(dir, fingerprint))
    },
    async remove(fingerprint) {
      await rm(join(dir, fingerprint), { recursive: true, force: true })
    },
  }
}

async function isIntact(
  folder: string,
  { pictures, previews, links }: SpooledAnswer,
): Promise<boolean> {
  if (pictures.length + links.length === 0) return false
  const sizes = await Promise.all(
    [...pictures, ...previews].map(async ({ file, byteCount }) => {
      const found = await unlessAbsent(stat(join(folder, basename(file))))
      return found?.size === byteCount
    }),
  )
  return sizes.every(Boolean)
}

async function requireFreeSpace(dir: string, consequence: string): Promise<void> {
  const { bavail, bsize } = await statfs(dir).catch(failing)
  const freeBytes = bavail * bsize
  if (freeBytes < FREE_BYTES_MIN) {
    const freeMegabytes = Math.round(freeBytes / 1_048_576)
    throw new StorageUnavailableError(
      `the spool ${dir} has only ${freeMegabytes} MB free: make room; ${consequence}`,
    )
  }
}

async function unlessAbsent<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return ['ENOENT', 'ENOTDIR'].includes(code) ? undefined : failing(error)
  }
}

function failing(cause: unknown): never {
  throw new StorageUnavailableError(
    `the spool can't be used now: ${messageOf(cause)}; see to its disk and its permissions`,
    { cause },
  )
}

async function sweepDrafts(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith(DRAFT_PREFIX)) continue
    const path = join(dir, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }))
    const isStale = wroteItHereAndDied(name) || Date.now() - mtimeMs > DRAFT_STALE_MS
    if (isStale) await rm(path, { recursive: true, force: true })
  }
}

function wroteItHereAndDied(name: string): boolean {
  const pid = Number(name.slice(DRAFT_PREFIX.length + hostname().length + 1).split('.')[0])
  if (!name.startsWith(`${DRAFT_PREFIX}${hostname()}.`) || !Number.isInteger(pid)) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
