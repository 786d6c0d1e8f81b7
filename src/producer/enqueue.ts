/**
 * A plan becomes a run: its input pictures and manifest parts go into the store, the run into the ledger, one
 * job onto the queue. Everything may be repeated after a failure; a run that is half entered costs nothing.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ManifestError, messageOf } from '../errors.ts'
import type { RunId } from '../job.ts'
import type { Queue } from '../queue/queue.ts'
import { manifestPartKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import type { Plan } from './plan.ts'

export interface Enqueued {
  /** `continued`: an unfinished run of the same work was there, and goes on. */
  kind: 'opened' | 'continued'
  run: RunId
}

export async function enqueuePlan(
  plan: Plan,
  { queue, store }: { queue: Queue; store: Store },
): Promise<Enqueued> {
  // The same rows into another store are other work.
  const digest = createHash('sha256').update(`${plan.digest}\t${store.url}`).digest('hex')
  const unfinished = await queue.ledger.findUnfinished(digest)
  if (unfinished === undefined) {
    for (const input of plan.inputs) await putInput(input, store)
    for (const [index, { file }] of plan.parts.entries()) {
      await store.put(
        manifestPartKey(plan.run, index + 1),
        { file },
        { contentType: 'application/x-ndjson', when: 'always' },
      )
    }
  }
  const opened = await queue.ledger.openRun({
    run: plan.run,
    manifest: plan.manifestName,
    digest,
    store: store.url,
    rowCount: plan.rowCount,
    parts: plan.parts.map(({ firstRow, rowCount }) => ({ firstRow, rowCount })),
    enteredAt: Date.now(),
  })
  // Adding a run that is on the queue already is a no-op; one whose job was lost is put back.
  await queue.addRun(opened.run)
  return opened
}

/** The file may have changed since it was planned; what is stored must be what the fingerprints speak of. */
async function putInput({ key, file, sha256, mediaType }: Plan['inputs'][number], store: Store) {
  const bytes = await readFile(file).catch((cause: unknown) => changed(file, messageOf(cause)))
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) changed(file)
  await store.put(key, bytes, { contentType: mediaType, when: 'absent' })
}

function changed(file: string, why = 'it was changed while the manifest was read'): never {
  throw new ManifestError([{ file, message: `${why}: run the command again` }])
}
