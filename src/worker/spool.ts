/**
 * The spool: the local folder where an answer lands before it is uploaded. An answer becomes visible as a
 * whole, by renaming its folder to its fingerprint; from then on a crash or a storage outage costs no second
 * call, because the next try on this machine finds it here.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { PictureSink } from '../images-api/contract.ts'
import { StorageUnavailableError } from '../errors.ts'
import { RenderJob, Sha256 } from '../job.ts'
import { InputEntry } from '../record.ts'

/** Below this much free disk no call is made: its answer might not find a place. */
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** Longer than any call; what is older and not committed was left by a crash. */
const DRAFT_STALE_MS = 24 * 3_600_000

const SpooledPicture = z.object({
  /** Of the result, or of the preview. */
  index: z.int().min(0),
  /** Its name in the answer's folder; in memory, its full path. */
  file: z.string(),
  extension: z.string(),
  mediaType: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  byteCount: z.int().positive(),
  sha256: Sha256,
  revisedPrompt: z.string().optional(),
})
export type SpooledPicture = z.infer<typeof SpooledPicture>

/** A result that the answer only names. */
const PictureLink = z.object({
  index: z.int().min(0),
  url: z.string(),
  revisedPrompt: z.string().optional(),
})
export type PictureLink = z.infer<typeof PictureLink>

const SpooledAnswer = z.object({
  version: z.literal(1),
  /** The store it was bought for; another one must not get it. */
  store: z.string(),
  job: RenderJob,
  /** Results, in order of their index. */
  pictures: z.array(SpooledPicture),
  /** Partial pictures of a stream, where they are to be kept. */
  previews: z.array(SpooledPicture).default([]),
  /** Results that are still to be downloaded; their URLs live an hour from `answeredAt`. */
  links: z.array(PictureLink).default([]),
  answeredAt: z.iso.datetime().optional(),
  usage: z.record(z.string(), z.unknown()).nullable(),
  requestId: z.string().nullable(),
  resolved: z.record(z.string(), z.string()),
  requestMs: z.number().nullable(),
  server: z.string(),
  inputs: z.array(InputEntry),
  mask: InputEntry.nullable(),
  markup: InputEntry.nullable().default(null),
  startedAt: z.iso.datetime(),
  attempts: z.int().positive(),
  calls: z.int().min(0),
  unknownCalls: z.int().min(0),
  warnings: z.array(z.string()),
})
export type SpooledAnswer = z.infer<typeof SpooledAnswer>

/** One picture's bytes on disk. */
export interface PictureFile {
  slot: number
  path: string
  byteCount: number
  sha256: string
}

/** An answer that is being received. */
export interface Draft {
  /** Bytes on their way to disk, hashed as they come. */
  openPicture(slot: number): Promise<PictureSink>
  /** Makes every picture opened so far durable; in order of their slots. */
  closePictures(): Promise<PictureFile[]>
  /** From now on `find` returns the answer, with the pictures it names. */
  commit(answer: SpooledAnswer): Promise<SpooledAnswer>
  /** Closes and removes what was not committed. */
  discard(): Promise<void>
}

export interface Spool {
  /** The answer that was bought for this store, if it is here and whole. */
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
    const text = await readFile(join(folder, ANSWER_FILE), 'utf8').catch(() => undefined)
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
      await requireFreeSpace(dir)
      const folder = join(dir, `${DRAFT_PREFIX}${hostname()}.${process.pid}.${randomUUID()}`)
      await mkdir(folder)
      return newDraft(folder, join(dir, fingerprint))
    },
    async reopen(fingerprint) {
      await requireFreeSpace(dir)
      return reopenedDraft(join(dir, fingerprint))
    },
    async remove(fingerprint) {
      await rm(join(dir, fingerprint), { recursive: true, force: true })
    },
  }
}

const ANSWER_FILE = 'answer.json'
const DRAFT_PREFIX = 'draft.'

function newDraft(folder: string, target: string): Draft {
  const files = picturesIn(folder, 'picture')
  return {
    ...files,
    async commit(answer) {
      await writeDurably(join(folder, ANSWER_FILE), JSON.stringify(named(answer)))
      await syncFolder(folder)
      await rm(target, { recursive: true, force: true })
      await rename(folder, target)
      await syncFolder(join(target, '..'))
      return inFolder(target, answer)
    },
    async discard() {
      await files.discard()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function reopenedDraft(folder: string): Draft {
  // Other names than those of an earlier try that may still be writing.
  const files = picturesIn(folder, `download-${randomUUID()}`)
  return {
    ...files,
    async commit(answer) {
      const written = join(folder, `${ANSWER_FILE}.${randomUUID()}`)
      await writeDurably(written, JSON.stringify(named(answer)))
      await rename(written, join(folder, ANSWER_FILE))
      await syncFolder(folder)
      files.keep()
      return inFolder(folder, answer)
    },
    discard: files.discard,
  }
}

interface OpenFile {
  slot: number
  path: string
  sink: PictureSink
  close(): Promise<Omit<PictureFile, 'slot' | 'path'>>
}

/** The picture files of one draft: opened, closed and, unless they are kept, removed together. */
function picturesIn(folder: string, prefix: string) {
  const files: OpenFile[] = []
  return {
    async openPicture(slot: number): Promise<PictureSink> {
      const file = await openPictureFile(join(folder, `${prefix}-${slot}`), slot)
      files.push(file)
      return file.sink
    },
    async closePictures(): Promise<PictureFile[]> {
      const inOrder = files.toSorted((a, b) => a.slot - b.slot)
      return Promise.all(
        inOrder.map(async ({ slot, path, close }) => ({ slot, path, ...(await close()) })),
      )
    },
    keep(): void {
      files.length = 0
    },
    async discard(): Promise<void> {
      await Promise.allSettled(files.map((file) => file.close()))
      await Promise.allSettled(files.map(({ path }) => rm(path, { force: true })))
    },
  }
}

async function openPictureFile(path: string, slot: number): Promise<OpenFile> {
  const handle = await open(path, 'wx', 0o600)
  const hash = createHash('sha256')
  let byteCount = 0
  let closed: Promise<{ byteCount: number; sha256: string }> | undefined
  return {
    slot,
    path,
    sink: {
      async write(chunk) {
        hash.update(chunk)
        byteCount += chunk.length
        // write() may write less than it is given; this goes on until all is there.
        await handle.writeFile(chunk)
      },
    },
    close() {
      closed ??= sealFile(handle).then(() => ({ byteCount, sha256: hash.digest('hex') }))
      return closed
    },
  }
}

async function sealFile(handle: FileHandle): Promise<void> {
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** On disk, pictures are named by their file alone. */
function named(answer: SpooledAnswer): SpooledAnswer {
  return withFiles(answer, (file) => basename(file))
}

function inFolder(folder: string, answer: SpooledAnswer): SpooledAnswer {
  return withFiles(answer, (file) => join(folder, basename(file)))
}

function withFiles(answer: SpooledAnswer, nameOf: (file: string) => string): SpooledAnswer {
  const renamed = (pictures: readonly SpooledPicture[]) =>
    pictures.map((picture) => ({ ...picture, file: nameOf(picture.file) }))
  return { ...answer, pictures: renamed(answer.pictures), previews: renamed(answer.previews) }
}

async function isIntact(
  folder: string,
  { pictures, previews, links }: SpooledAnswer,
): Promise<boolean> {
  if (pictures.length + links.length === 0) return false
  const sizes = await Promise.all(
    [...pictures, ...previews].map(async ({ file, byteCount }) => {
      const found = await stat(join(folder, basename(file))).catch(() => undefined)
      return found?.size === byteCount
    }),
  )
  return sizes.every(Boolean)
}

async function requireFreeSpace(dir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dir)
  const freeBytes = bavail * bsize
  if (freeBytes < FREE_BYTES_MIN) {
    throw new StorageUnavailableError(
      `the spool ${dir} has only ${Math.round(freeBytes / 1_048_576)} MB free: make room, nothing was sent`,
    )
  }
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

async function writeDurably(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flush: true })
}

/** A rename survives a power cut only when its folder was synced too. Not every system can open a folder. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
