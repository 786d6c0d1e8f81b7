/**
 * Creating an embedded database takes seconds; copying one takes none. Made once per version of what is in it,
 * kept beside node_modules, and copied into every test that does not look at the creation itself.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { openQueue } from '../../src/queue/open-queue.ts'
import { LEDGER_SCHEMA } from '../../src/queue/postgres-ledger.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    embeddedSeed: string
  }
}

const root = fileURLToPath(new URL('../../', import.meta.url))

export async function setup(project: TestProject): Promise<void> {
  const versions = ['@electric-sql/pglite', 'bullmq'].map((name) =>
    readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'),
  )
  const digest = createHash('sha256')
    .update([...versions, LEDGER_SCHEMA].join())
    .digest('hex')
  const seed = join(root, 'node_modules', `.embedded-seed-${digest.slice(0, 12)}`)
  if ((await stat(seed).catch(() => undefined)) === undefined) await makeSeed(seed)
  project.provide('embeddedSeed', seed)
}

async function makeSeed(seed: string): Promise<void> {
  const draft = await mkdtemp(`${seed}.`)
  const settings = { backend: 'embedded', dataDir: draft } as const
  const queue = await openQueue(settings, { command: 'test', works: true, onTrouble: () => {} })
  await queue[Symbol.asyncDispose]()
  // Another test run may have been quicker.
  await rename(join(draft, 'queue'), seed).catch(() => {})
  await rm(draft, { recursive: true, force: true })
}
