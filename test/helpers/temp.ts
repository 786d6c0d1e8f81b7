/** Folders for tests: each test has its own and leaves nothing behind. */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir extends AsyncDisposable {
  /** Absolute, without symbolic links. */
  readonly path: string
  /** A path inside the folder. */
  join(...parts: string[]): string
}

/** A new empty folder; removed with everything in it when disposed. */
export async function tempDir(): Promise<TempDir> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'renderq-test-')))
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  }
}
