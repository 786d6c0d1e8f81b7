/** A run goes on: whatever the queue and the ledger have lost of it is rebuilt from the store. */
import type { RunId } from '../job.ts'
import type { RunBooks } from '../queue/ledger.ts'
import type { Queue } from '../queue/queue.ts'
import type { Store } from '../storage/store.ts'
import { readResultsPart } from '../storage/stored-run.ts'
import { entryOf } from './enqueue.ts'
import { requireDocument } from './require-document.ts'

export interface Resumed {
  /** `rebuilt`: the ledger knew nothing of it. `over`: there is nothing to go on with. */
  kind: 'resumed' | 'rebuilt' | 'over'
  run: RunId
  state: RunBooks['state']
  rowsLeft: number
}

/** Throws ConfigError when neither the ledger nor the store knows the run. */
export async function resumeRun(
  run: string,
  { queue, store }: { queue: Queue; store: Store },
): Promise<Resumed> {
  const known = await queue.ledger.books(run)
  const books = known ?? (await rebuild(run, { queue, store }))
  const { state, rowCount, settled } = books
  const found = { run: books.run, rowsLeft: rowCount - settled }
  if (books.finishedAt !== undefined) return { kind: 'over', state, ...found }
  await queue.ledger.steer(books.run, 'unpause')
  await queue.releaseBrake()
  await queue.addRun(books.run)
  const { state: now = state } = (await queue.ledger.books(books.run)) ?? {}
  return { kind: known === undefined ? 'rebuilt' : 'resumed', state: now, ...found }
}

/**
 * Rows of stored results have their outcome again; all others are fed once more, and those whose record is in the
 * store find it: no stored row is called again.
 */
async function rebuild(
  run: string,
  { queue, store }: { queue: Queue; store: Store },
): Promise<RunBooks> {
  const document = await requireDocument(run, store)
  const { ledger } = queue
  await ledger.openRun(entryOf(document))
  for (let part = 1; ; part++) {
    const results = await readResultsPart(document.run, part, store)
    if (results === undefined) break
    await ledger.restore(document.run, part - 1, results)
  }
  if (document.finishedAt !== null) {
    if (document.state === 'cancelled') await ledger.steer(document.run, 'cancel')
    await ledger.finishRun(document.run, Date.parse(document.finishedAt))
  }
  const books = await ledger.books(document.run)
  if (books === undefined) throw new Error(`${run} was rebuilt and is not there`)
  return books
}
