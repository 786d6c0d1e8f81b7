import { constants, type Stats } from 'node:fs'
import { lstat, open, readdir, readlink, realpath, type FileHandle } from 'node:fs/promises'
import { basename, dirname, extname, resolve, sep } from 'node:path'
import { nearest } from '../nearest.ts'

/** A link that replaces the file after it was looked at is not followed; a FIFO is not waited for. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
/** Linux's limit; nobody else's is higher. */
const PATH_CHARS_MAX = 4_096
/** Names of a folder that are compared for a suggestion. */
const NEIGHBOURS_MAX = 1_000

const FAILURES: Readonly<Record<string, string>> = {
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ELOOP: 'is a link that leads nowhere',
  ENAMETOOLONG: 'is too long for a path',
  ERR_INVALID_ARG_VALUE: 'is not a path',
}

interface PathProblem {
  kind: 'problem'
  message: string
  suggestion?: string
}

/**
 * The real path of `reference`, if that is under one of `roots` (real paths too), wherever links lead. Of
 * what lies elsewhere nothing is told, not even whether it is there.
 */
export async function locateInside(
  reference: string,
  baseDir: string,
  roots: readonly string[],
): Promise<{ kind: 'path'; path: string } | PathProblem> {
  if (sep === '/' && /^[a-z]:[\\/]|^\\\\/i.test(reference)) {
    return problem('is a Windows path: write it relative to the manifest, with /')
  }
  if (reference.length > PATH_CHARS_MAX) return problem('is too long for a path')
  const wanted = resolve(baseDir, reference)
  const outside = problem(`is outside of ${roots.join(' and ')}: only pictures in there are read`)
  try {
    const path = await realpath(wanted)
    return isInside(path, roots) ? { kind: 'path', path } : outside
  } catch (error) {
    if (!(await leadsInside(wanted, roots))) return outside
    return await describeFailure(error, reference, baseDir)
  }
}

const isInside = (path: string, roots: readonly string[]): boolean =>
  roots.some((root) => path === root || path.startsWith(root.endsWith(sep) ? root : root + sep))

/** As far as there is such a path. */
async function leadsInside(wanted: string, roots: readonly string[]): Promise<boolean> {
  for (let path = wanted; path !== dirname(path);) {
    path = dirname(path)
    const real = await realpath(path).catch(() => undefined)
    if (real !== undefined) return isInside(real, roots)
  }
  return false
}

/**
 * The bytes of the regular file at a real path, read through one descriptor, so that what was checked is
 * what is read.
 */
export async function readRegularFile(
  path: string,
  bytesMax: number,
): Promise<{ kind: 'bytes'; bytes: Buffer } | PathProblem> {
  try {
    // Before opening: opening a device can have effects of its own.
    const seen = await lstat(path)
    if (seen.isDirectory()) return problem('is a folder')
    if (!seen.isFile()) return problem('is not a regular file')
    await using file = await open(path, OPEN_FLAGS)
    const opened = await file.stat()
    const isSame = opened.isFile() && opened.dev === seen.dev && opened.ino === seen.ino
    if (!isSame || (await whereIs(file, path)) !== path) return problem('changed while it was read')
    if (opened.size > bytesMax) return problem(tooLarge(opened, bytesMax))
    return { kind: 'bytes', bytes: await readAll(file, opened.size) }
  } catch (error) {
    return await describeFailure(error, path, '/')
  }
}

/** Linux knows where an open file lies; elsewhere it is where its path leads now. */
async function whereIs(file: FileHandle, path: string): Promise<string> {
  return await readlink(`/proc/self/fd/${file.fd}`).catch(() => realpath(path))
}

const toMb = (byteCount: number): string => (byteCount / 1024 ** 2).toFixed(1)

/** Up to the size that was checked: a file that grows meanwhile must not grow in memory. */
async function readAll(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

function tooLarge({ size }: Stats, bytesMax: number): string {
  return `is too large (${toMb(size)} MB): the API takes pictures under ${toMb(bytesMax)} MB`
}

async function describeFailure(
  error: unknown,
  reference: string,
  baseDir: string,
): Promise<PathProblem> {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (code === 'ENOENT' || code === 'ENOTDIR') return await describeMissing(reference, baseDir)
  const message = FAILURES[code]
  if (message === undefined) throw error
  return problem(message)
}

/** The nearest name in the same folder, whatever its extension, as the manifest would write it. */
async function describeMissing(reference: string, baseDir: string): Promise<PathProblem> {
  const missing = problem('there is no such file')
  const folder = dirname(resolve(baseDir, reference))
  const names = (await readdir(folder).catch(() => [])).slice(0, NEIGHBOURS_MAX)
  const stem = nearest(stemOf(reference), names.map(stemOf))
  const meant = names.find((name) => stemOf(name) === stem)
  if (meant === undefined) return missing
  return { ...missing, suggestion: reference.slice(0, -basename(reference).length) + meant }
}

const stemOf = (path: string): string => basename(path, extname(path))

const problem = (message: string): PathProblem => ({ kind: 'problem', message })
