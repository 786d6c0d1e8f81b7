/** A run goes on: whatever the queue and the ledger have lost of it is rebuilt from the store. */
import { ConfigError } from '../errors.ts'
import type { RunId } from '../job.ts'
import type { RunBooks } from '../queue/ledger.ts'
import type { Queue } from '../queue/queue.ts'
import type { RunDocument } from '../run-document.ts'
import type { Store } from '../storage/store.ts'
import { readResultsPart } from '../storage/stored-run.ts'
import { wasCancelled } from './cancel-run.ts'
import { entryOf } from './enqueue.ts'
import { requireDocument } from './require-document.ts'

export interface Resumed {
  /** `rebuilt`: the ledger knew nothing of it. `over`: there is nothing to go on with. */
  kind: 'resumed' | 'rebuilt' | 'over'
  run: RunId
  state: RunBooks['state']
  rowsLeft: number
}

/**
 * Throws ConfigError when neither the ledger nor the store knows the run, or another run does its work. May be
 * repeated: where an earlier resume ended halfway, this one goes on.
 */
export async function resumeRun(
  run: string,
  { queue, store }: { queue: Queue; store: Store },
): Promise<Resumed> {
  const { ledger } = queue
  const known = await ledger.books(run)
  if (known?.finishedAt !== undefined) return { kind: 'over', ...standing(known) }
  if (known === undefined) {
    const document = await requireDocument(run, store)
    const { state, left: rowsLeft } = document
    if (document.finishedAt !== null) return { kind: 'over', run: document.run, state, rowsLeft }
    await enterAgain(document, queue)
  }
  const books = known ?? (await booksOf(run, queue))
  if (await wasCancelled(books.run, store)) await ledger.steer(books.run, 'cancel')
  await restoreResults(books, { queue, store })
  await ledger.steer(books.run, 'unpause')
  await queue.releaseBrake()
  await queue.addRun(books.run)
  const kind = known === undefined ? 'rebuilt' : 'resumed'
  return { kind, ...standing(await booksOf(run, queue)) }
}

const standing = ({ run, state, rowCount, settled }: RunBooks) => ({
  run,
  state,
  rowsLeft: rowCount - settled,
})

async function booksOf(run: string, { ledger }: Queue): Promise<RunBooks> {
  const books = await ledger.books(run)
  if (books === undefined) throw new Error(`${run} was entered and is not there`)
  return books
}

async function enterAgain(document: RunDocument, { ledger }: Queue): Promise<void> {
  const { kind, run } = await ledger.openRun(entryOf(document))
  if (kind === 'opened') return
  throw new ConfigError(
    `the work of ${document.run} was entered again and goes on as ${run}: follow that one, or cancel it first`,
  )
}

/**
 * Rows of stored results have their outcome again; all others are fed once more, and those whose record is in the
 * store find it: no stored row is called again.
 */
async function restoreResults(
  { run, resultParts }: RunBooks,
  { queue, store }: { queue: Queue; store: Store },
): Promise<void> {
  for (let part = resultParts; ; part++) {
    const results = await readResultsPart(run, part + 1, store)
    if (results === undefined) return
    await queue.ledger.bookPart(run, part, results)
  }
}
