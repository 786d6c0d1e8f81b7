/**
 * A short lock beside a file, for the moment between comparing and replacing. Held for milliseconds;
 * one whose owner died is broken.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StorageUnavailableError } from '../errors.ts'
import { codeOf } from './folder-error.ts'

const STALE_AFTER_MS = 30_000
/** A lock is signed right after it is made; one that is still empty has lost its owner in between. */
const UNSIGNED_STALE_AFTER_MS = 1_000
/** Longer than it takes a lock to become stale, so that a waiter never gives up on a dead owner. */
const WAIT_MAX_MS = 40_000
const POLL_MS = 15

export interface FileLock extends AsyncDisposable {
  /**
   * Rejects when the lock was broken meanwhile. Called right before the change it protects: a process that
   * was frozen for half a minute must not wake up and write over its successor.
   */
  confirm(): Promise<void>
}

export async function lockFile(target: string): Promise<FileLock> {
  const name = createHash('sha256').update(basename(target)).digest('hex').slice(0, 16)
  const path = join(dirname(target), `.lock-${name}`)
  const token = `${process.pid} ${hostname()} ${randomUUID()}`
  const waitUntil = performance.now() + WAIT_MAX_MS
  while (!(await create(path, token))) {
    await breakIfStale(path)
    if (performance.now() > waitUntil) {
      throw new StorageUnavailableError(`${target} is locked by others all the time: ${path}`)
    }
    await sleep(POLL_MS * (0.5 + Math.random()))
  }
  return {
    async confirm() {
      if ((await read(path)) === token) return
      throw new StorageUnavailableError(`the lock on ${target} was lost; nothing was changed`)
    },
    async [Symbol.asyncDispose]() {
      if ((await read(path)) === token) await rm(path, { force: true })
    },
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * The lock of a dead process of this machine, or one older than any living owner would hold it. Two breakers
 * may meet, and the slower then takes away the faster one's new lock: `confirm` notices.
 */
async function breakIfStale(path: string): Promise<void> {
  try {
    const token = await readFile(path, 'utf8')
    const [pid, host] = token.split(' ')
    const isDead = host === hostname() && !isRunning(Number(pid))
    const staleAfterMs = token === '' ? UNSIGNED_STALE_AFTER_MS : STALE_AFTER_MS
    if (!isDead && Date.now() - (await stat(path)).mtimeMs < staleAfterMs) return
    const aside = `${path}-${randomUUID()}`
    await rename(path, aside)
    await rm(aside, { force: true })
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
