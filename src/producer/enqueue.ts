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

const PUTS_AT_ONCE = 4

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
  const entered =
    (await unfinishedRun(digest, queue)) ?? (await open(plan, { document, queue, store }))
  // Adding a run that is on the queue already is a no-op; one whose job was lost is put back.
  await queue.addRun(entered.run)
  return entered
}

async function unfinishedRun(digest: string, { ledger }: Queue): Promise<Enqueued | undefined> {
  const run = await ledger.findUnfinished(digest)
  return run === undefined ? undefined : { kind: 'continued', run }
}

/** The ledger comes last: whatever it knows is whole in the store. */
async function open(
  plan: Plan,
  { document, queue, store }: { document: RunDocument; queue: Queue; store: Store },
): Promise<Enqueued> {
  await putEach(plan.inputs, (input) => putInput(input, store))
  await putEach(plan.parts, (part, index) => putPart(plan.run, index + 1, { part, store }))
  await putDocument(document, store)
  return queue.ledger.openRun(entryOf(document))
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
    costPlannedUsd: plan.costPlannedUsd,
    parts: plan.parts.map(({ firstRow, rowCount }) => ({ firstRow, rowCount })),
    columns: [...plan.columns],
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

/** Several at once: a put is mostly waiting for a disk or for the network. After a failure nothing is begun. */
async function putEach<Entry>(
  entries: readonly Entry[],
  put: (entry: Entry, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const takeTurns = async () => {
    for (let index = next++; index < entries.length; index = next++) {
      await put(entries[index] as Entry, index).catch((error: unknown) => {
        next = entries.length
        throw error
      })
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: PUTS_AT_ONCE }, takeTurns))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

async function putPart(
  run: RunId,
  number: number,
  { part, store }: { part: Plan['parts'][number]; store: Store },
): Promise<void> {
  const options = { contentType: 'application/x-ndjson', when: 'always' } as const
  await store.put(manifestPartKey(run, number), { file: part.file }, options)
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
