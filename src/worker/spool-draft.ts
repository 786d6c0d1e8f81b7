/** An answer on its way into the spool: files that are written, hashed and synced, then visible all at once. */
import { createHash, randomUUID } from 'node:crypto'
import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { PictureSink } from '../images-api/contract.ts'
import { ANSWER_FILE, inFolder, named, type SpooledAnswer } from './spooled-answer.ts'

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
  /** From now on the spool finds the answer, with the pictures it names. */
  commit(answer: SpooledAnswer): Promise<SpooledAnswer>
  /** Closes and removes what was not committed. */
  discard(): Promise<void>
}

/** In a folder of its own, which a commit gives the name of `target`. */
export function newDraft(folder: string, target: string): Draft {
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

/** In the folder of an answer that was committed before. */
export function reopenedDraft(folder: string): Draft {
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

async function writeDurably(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600, flush: true })
}

/** A rename survives a power cut only when its folder was synced too. Not every system can open a folder. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close()
}
