/**
 * The lock beside the embedded data: at most one living process owns it. It holds the owner's pid and start
 * time, so that a pid used again is not mistaken for the owner; a living owner is never robbed. A pid says
 * nothing in another container, so there the owner's socket is asked.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { link, mkdir, readFile, rmdir, stat, unlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const Owner = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** Kernel start time of the process, where the system tells it. */
  startTime: z.string().nullable(),
  /** What the process is doing, for messages: `worker`, `run`, `enqueue`. */
  command: z.string(),
  /** `worker` and `run` stay; everything else is gone in a moment. */
  stays: z.boolean(),
  socket: z.string(),
})
export type Owner = z.infer<typeof Owner>

/** A takeover is a few file operations; a guard older than this was left by a crash. */
const GUARD_STALE_MS = 10_000

const lockFile = (dir: string) => join(dir, 'queue.lock')

/** Takes the lock, or names the living owner. */
export async function takeLock(
  dir: string,
  claim: Pick<Owner, 'command' | 'stays' | 'socket'>,
): Promise<{ kind: 'taken' } | { kind: 'owned'; owner: Owner }> {
  const mine: Owner = {
    host: hostname(),
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    ...claim,
  }
  const draft = join(dir, `.queue.lock.${randomUUID()}`)
  await writeFile(draft, JSON.stringify(mine), { mode: 0o600 })
  try {
    for (;;) {
      // link() fails when the lock exists, and the lock appears with its content or not at all.
      if (await linked(draft, lockFile(dir))) return { kind: 'taken' }
      const owner = await readOwner(dir)
      if (owner !== undefined && (await isLiving(owner))) return { kind: 'owned', owner }
      await removeStale(dir)
    }
  } finally {
    await unlink(draft)
  }
}

export async function releaseLock(dir: string): Promise<void> {
  const owner = await readOwner(dir)
  if (owner?.pid === process.pid && owner.host === hostname()) await unlink(lockFile(dir))
}

async function readOwner(dir: string): Promise<Owner | undefined> {
  try {
    return Owner.parse(JSON.parse(await readFile(lockFile(dir), 'utf8')))
  } catch {
    return undefined
  }
}

/** One process at a time removes a dead owner's lock, or two could remove one another's fresh one. */
async function removeStale(dir: string): Promise<void> {
  const guard = join(dir, '.queue.takeover')
  try {
    await mkdir(guard)
  } catch {
    const { mtimeMs } = await stat(guard).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > GUARD_STALE_MS) await rmdir(guard).catch(() => {})
    await sleep(50)
    return
  }
  try {
    const owner = await readOwner(dir)
    if (owner !== undefined && (await isLiving(owner))) return
    await unlink(lockFile(dir)).catch(() => {})
  } finally {
    await rmdir(guard)
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A pid that looks dead may belong to another container that shares our hostname; its socket tells. */
async function isLiving({ host, pid, startTime, socket }: Owner): Promise<boolean> {
  if (host === hostname() && isRunning(pid, startTime)) return true
  if (await accepts(socket)) return true
  if (host === hostname()) return false
  // An owner elsewhere listens a moment after it took the lock.
  await sleep(1_000)
  return accepts(socket)
}

function isRunning(pid: number, startTime: string | null): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = startTimeOf(pid)
  return startTime === null || now === null || now === startTime
}

function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Field 22 of /proc/<pid>/stat, counted from behind the command name, which may hold anything. */
function startTimeOf(pid: number): string | null {
  const path = `/proc/${pid}/stat`
  if (!existsSync(path)) return null
  try {
    const text = readFileSync(path, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
