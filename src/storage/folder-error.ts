/** What a failing file system means for a row: wait, or call a person. */
import { StorageRefusedError, StorageRejectedError, StorageUnavailableError } from '../errors.ts'

/** Concerns every object alike. */
const REFUSED: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; give this user the right to write there',
  EPERM: 'the operation is not permitted; check the owner and the mount of this folder',
  EROFS: 'the file system is read-only; choose another folder or mount it writable',
}

/** Concerns this object alone. */
const REJECTED: Readonly<Record<string, string>> = {
  ENOTDIR: 'a file is where a folder is needed; move the file away',
  EISDIR: 'a folder is where a file is needed; move the folder away',
  ELOOP: 'is a symbolic link, which the store does not follow; replace it by the file itself',
  ENAMETOOLONG: 'the name is too long for this file system; use shorter names or a shorter path',
}

const UNAVAILABLE: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left; free some space',
  EDQUOT: 'the disk quota is used up; free some space or raise the quota',
  EMFILE: 'too many open files; lower the concurrency or raise `ulimit -n`',
  ENFILE: 'too many open files on this machine',
}

/** Errors of the operating system become ours, naming `path`; anything else is a bug and stays as it is. */
export function toStorageError(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return error
  const refused = REFUSED[code]
  if (refused !== undefined) {
    return new StorageRefusedError(`${path}: ${refused} (${code})`, { cause: error })
  }
  const rejected = REJECTED[code]
  if (rejected !== undefined) {
    return new StorageRejectedError(`${path}: ${rejected} (${code})`, { cause: error })
  }
  const advice = UNAVAILABLE[code] ?? `the file system failed in ${syscall}`
  return new StorageUnavailableError(`${path}: ${advice} (${code})`, { cause: error })
}

/** The code of an error of the operating system. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

/**
 * Nothing is there, be it the file or a folder above it. A file in the place of such a folder is no absence:
 * nothing could ever be stored there.
 */
export function isAbsence(error: unknown): boolean {
  return codeOf(error) === 'ENOENT'
}
