/**
 * What S3 keeps as headers, the folder keeps beside the object: `.meta/<name>.<digest>.json`. The digest is
 * that of the bytes it describes. So it can be written before the object appears, puts of different bytes
 * can't mix up theirs, and a file that a person has edited has none and counts as foreign. Sidecars of
 * replaced bytes stay behind; they are small.
 */
import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { z } from 'zod'
import { StorageRejectedError } from '../errors.ts'
import { isAbsence } from './folder-error.ts'
import { makeDir } from './folder-root.ts'
import { kindOf, placeAbsent, replace, writeTemporary } from './folder-write.ts'

const Sidecar = z.strictObject({
  contentType: z.string(),
  metadata: z.record(z.string(), z.string()),
})
export type Sidecar = z.infer<typeof Sidecar>

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gif': 'image/gif',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.png': 'image/png',
  '.txt': 'text/plain',
  '.webp': 'image/webp',
}

/** What is known of a file without a sidecar. */
export function impliedSidecar(path: string): Sidecar {
  return {
    contentType: CONTENT_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
    metadata: {},
  }
}

/** True when the name alone says all of it: records and result files need no second file. */
export function isImplied(path: string, { contentType, metadata }: Sidecar): boolean {
  return Object.keys(metadata).length === 0 && contentType === impliedSidecar(path).contentType
}

/** The bytes that a sidecar describes: where they are or will be, and what they are. */
export interface Described {
  path: string
  sha256: string
}

/** Undefined when there is none, or none that we wrote. */
export async function readSidecar(bytes: Described): Promise<Sidecar | undefined> {
  try {
    return Sidecar.safeParse(JSON.parse(await readFile(sidecarPathOf(bytes), 'utf8'))).data
  } catch (error) {
    if (isAbsence(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}

export async function hasSidecar(bytes: Described): Promise<boolean> {
  return (await kindOf(sidecarPathOf(bytes))) !== 'absent'
}

/** `absent`: false when one is there already, whoever wrote it. */
export async function writeSidecar(
  bytes: Described,
  sidecar: Sidecar,
  when: 'absent' | 'always',
): Promise<boolean> {
  const path = sidecarPathOf(bytes)
  const dir = dirname(path)
  await makeDir(dir)
  // makeDir is content with a link, which may lead anywhere.
  if ((await kindOf(dir)) !== 'folder') {
    throw new StorageRejectedError(`${dir} is not a folder: remove it, the store makes its own`)
  }
  await using temporary = await writeTemporary(dir, Buffer.from(JSON.stringify(sidecar)))
  if (when === 'absent') return await placeAbsent(temporary, path)
  await replace(temporary, path)
  return true
}

function sidecarPathOf({ path, sha256 }: Described): string {
  return join(dirname(path), '.meta', `${basename(path)}.${sha256.slice(0, 16)}.json`)
}
