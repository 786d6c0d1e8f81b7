/**
 * A schedule's manifest, read when its tick fires: an object of the store, an object of any bucket, or a file under
 * the schedule root of whoever fires. What names it comes from the queue and is not trusted.
 */
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises'
import { basename, isAbsolute, join, posix, relative, resolve, sep } from 'node:path'
import { storageSettings } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { checkKey, sanitizeKey } from '../storage/keys.ts'
import { openStore } from '../storage/open-store.ts'
import type { Store } from '../storage/store.ts'

/** Objects are read whole; a larger manifest lies in a file, which is read as a stream. */
const OBJECT_BYTES_MAX = 256 * 1024 * 1024
const STORE_PREFIX = 'store:'

export const isObjectManifest = (manifest: string): boolean => /^(store:|s3:\/\/)/.test(manifest)

/**
 * As it travels: a path is relative to the schedule root, with `/`, so that every worker finds it under its own.
 * Throws ConfigError for one outside of the root.
 */
export function travellingManifest(
  manifest: string,
  { fileDir, root }: { fileDir: string; root: string },
): string {
  if (manifest.startsWith(STORE_PREFIX)) {
    keyOf(manifest)
    return manifest
  }
  if (isObjectManifest(manifest)) return manifest
  const path = relative(resolve(root), resolve(fileDir, manifest))
  if (path === '' || isOutside(path)) throw outside(manifest, root)
  return path.split(sep).join(posix.sep)
}

export interface ScheduledManifest extends AsyncDisposable {
  /** To be planned. */
  path: string
}

export interface ManifestSource {
  store: Store
  root: string
  /** A folder of this firing's own, made when needed. */
  workDir: string
}

/** Throws ConfigError when it is not there, or not to be read. */
export async function openScheduledManifest(
  manifest: string,
  source: ManifestSource,
): Promise<ScheduledManifest> {
  if (!isObjectManifest(manifest)) {
    return { path: await locate(manifest, source.root), [Symbol.asyncDispose]: async () => {} }
  }
  const bytes = await readObject(manifest, source.store)
  if (bytes === undefined) throw missing(manifest, 'the bucket or store')
  await mkdir(source.workDir, { recursive: true })
  const path = join(source.workDir, sanitizeKey(basename(manifest)))
  await writeFile(path, bytes)
  return {
    path,
    [Symbol.asyncDispose]: () => rm(source.workDir, { recursive: true, force: true }),
  }
}

async function readObject(manifest: string, store: Store): Promise<Buffer | undefined> {
  const bytesMax = OBJECT_BYTES_MAX
  if (manifest.startsWith(STORE_PREFIX)) return store.get(keyOf(manifest), { bytesMax })
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(manifest) ?? []
  await using other = await openStore(storageSettings(`s3://${bucket}`, '/'))
  return await other.get(key, { bytesMax })
}

function keyOf(manifest: string): string {
  const key = manifest.slice(STORE_PREFIX.length)
  const problem = checkKey(key)
  if (problem !== undefined) throw new ConfigError(`manifest "${manifest}": the key ${problem}`)
  return key
}

/** Wherever links lead, the file must be under the root. */
async function locate(manifest: string, root: string): Promise<string> {
  const wanted = resolve(root, manifest)
  if (isAbsolute(manifest) || isOutside(relative(resolve(root), wanted))) {
    throw outside(manifest, root)
  }
  const real = await realpath(wanted).catch(() => undefined)
  if (real === undefined) throw missing(manifest, `the schedule root ${root} of this process`)
  if (isOutside(relative(await realpath(root), real))) throw outside(manifest, root)
  return real
}

const isOutside = (path: string): boolean =>
  path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)

const outside = (manifest: string, root: string) =>
  new ConfigError(
    `manifest "${manifest}": is outside of ${root}: only what is in there is read, see --schedule-root`,
  )

const missing = (manifest: string, where: string) =>
  new ConfigError(`manifest "${manifest}": there is no such file in ${where}`)
