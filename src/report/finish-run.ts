/** The end of a run: its results in one file, its summary, and last of all the mark that it is complete. */
import type { RunId } from '../job.ts'
import type { Ledger } from '../queue/ledger.ts'
import { resultsPartKey, runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { summaryOf } from './run-summary.ts'

/** A part holds a thousand lines of some hundred bytes each. */
const PART_BYTES_MAX = 64 * 1024 * 1024

/** May be repeated: every object is written again with the same content, the ledger closes once. */
export async function finishRun(
  run: RunId,
  { queue, store }: { queue: { ledger: Ledger }; store: Store },
): Promise<void> {
  const books = await queue.ledger.books(run)
  if (books === undefined) return
  const finishedAt = Date.now()
  const results = await joinParts(run, books.resultParts, store)
  const summary = summaryOf({ ...books, state: 'finished', finishedAt })
  await put(store, runKey(run, 'results.jsonl'), results)
  await put(store, runKey(run, 'run.json'), Buffer.from(`${JSON.stringify(summary, null, 2)}\n`))
  await put(store, runKey(run, '_SUCCESS'), Buffer.from(`${run}\n`))
  await queue.ledger.finishRun(run, finishedAt)
}

async function joinParts(run: RunId, partCount: number, store: Store): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let part = 1; part <= partCount; part++) {
    const key = resultsPartKey(run, part)
    const bytes = await store.get(key, { bytesMax: PART_BYTES_MAX })
    if (bytes === undefined)
      throw new Error(`${store.locationOf(key)} is missing: results are not whole`)
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

async function put(store: Store, key: string, body: Buffer): Promise<void> {
  const contentType = key.endsWith('.jsonl') ? 'application/x-ndjson' : 'application/json'
  await store.put(key, body, { contentType, when: 'always' })
}
