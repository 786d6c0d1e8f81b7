/**
 * A plan becomes a run: its input pictures and manifest parts go into the store, the run into the ledger, one
 * job onto the queue. Everything may be repeated after a failure; a run that is half entered costs nothing.
 */
import { createHash } from 'node:crypto'
import { ManifestError } from '../errors.ts'
import type { RunId } from '../job.ts'
import { OUTCOMES, type Priority } from '../outcome.ts'
import type { Queue } from '../queue/queue.ts'
import type { RunDocument } from '../run-document.ts'
import { manifestPartKey, runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { version } from '../version.ts'
import type { Plan } from './plan.ts'
import { readRegularFile } from './read-inside.ts'

export interface Enqueued {
  /** `continued`: an unfinished run of the same work was there, and goes on. */
  kind: 'opened' | 'continued'
  run: RunId
}

/** What is to be known of a run beside its rows. */
export interface RunTerms {
  priority?: Priority | undefined
  /** The flags that decided what was planned. No secrets: they are kept with the run. */
  flags?: Readonly<Record<string, unknown>>
  retryOf?: RunId
  schedule?: string
}

export async function enqueuePlan(
  plan: Plan,
  { queue, store }: { queue: Queue; store: Store },
  terms: RunTerms = {},
): Promise<Enqueued> {
  // The same rows into another store are other work.
  const digest = createHash('sha256').update(`${plan.digest}\t${store.url}`).digest('hex')
  const document = documentOf(plan, { terms, digest, store: store.url })
  const unfinished = await queue.ledger.findUnfinished(digest)
  if (unfinished === undefined) {
    for (const input of plan.inputs) await putInput(input, store)
    for (const [index, { file }] of plan.parts.entries()) {
      const contentType = 'application/x-ndjson'
      await store.put(
        manifestPartKey(plan.run, index + 1),
        { file },
        { contentType, when: 'always' },
      )
    }
    // From here on the run can be rebuilt from the store alone.
    await putDocument(document, store)
  }
  const opened = await queue.ledger.openRun(entryOf(document))
  // Adding a run that is on the queue already is a no-op; one whose job was lost is put back.
  await queue.addRun(opened.run)
  return opened
}

/** What the ledger needs of a run. */
export function entryOf(document: RunDocument) {
  const { run, manifest, digest, store, rows: rowCount, parts, priority, enteredAt } = document
  const entry = { run, manifest, digest, store, rowCount, parts, priority }
  return { ...entry, enteredAt: Date.parse(enteredAt) }
}

function documentOf(
  plan: Plan,
  { terms, digest, store }: { terms: RunTerms; digest: string; store: string },
): RunDocument {
  const { priority = 'normal', flags = {}, retryOf = null, schedule = null } = terms
  return {
    version: 1,
    run: plan.run,
    manifest: plan.manifestName,
    manifestSha256: plan.manifestSha256,
    digest,
    store,
    rows: plan.rowCount,
    picturesPlanned: plan.pictureCount,
    byOperation: plan.byOperation,
    costPlannedUsd: plan.costPlannedUsd ?? null,
    parts: plan.parts.map(({ firstRow, rowCount }) => ({ firstRow, rowCount })),
    columns: [...(plan.columns ?? [])],
    priority,
    flags: { ...flags },
    retryOf,
    schedule,
    versions: { renderq: version(), node: process.version },
    state: 'running',
    outcomes: Object.fromEntries(
      OUTCOMES.map((outcome) => [outcome, 0]),
    ) as RunDocument['outcomes'],
    left: plan.rowCount,
    pictures: 0,
    calls: 0,
    unknownCalls: 0,
    costUsd: 0,
    enteredAt: new Date().toISOString(),
    finishedAt: null,
  }
}

async function putDocument(document: RunDocument, store: Store): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(document, null, 2)}\n`)
  await store.put(runKey(document.run, 'run.json'), body, {
    contentType: 'application/json',
    when: 'always',
  })
}

/** The file may have changed since it was planned; what is stored must be what the fingerprints speak of. */
async function putInput(input: Plan['inputs'][number], store: Store) {
  const { key, file, sha256, mediaType, byteCount } = input
  const read = await readRegularFile(file, byteCount)
  if (read.kind === 'problem') return changed(file, read.message)
  if (createHash('sha256').update(read.bytes).digest('hex') !== sha256) return changed(file)
  await store.put(key, read.bytes, { contentType: mediaType, when: 'absent' })
}

function changed(file: string, why = 'it was changed while the manifest was read'): never {
  throw new ManifestError([{ file, message: `${why}: run the command again` }])
}
