/** Finds the run that a person means: in the ledger, or, when that has lost it, in the store. */
import { storageSettings, type StorageSettings } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { RunId } from '../job.ts'
import { nearest } from '../nearest.ts'
import type { RunBooks } from '../queue/ledger.ts'
import type { Queue } from '../queue/queue.ts'
import type { RunDocument } from '../run-document.ts'
import { openStore } from '../storage/open-store.ts'
import type { Store } from '../storage/store.ts'
import { listRuns } from './list-runs.ts'
import { summaryOf, type RunSummary } from './run-summary.ts'
import { readDocument, storedRuns } from '../storage/stored-run.ts'

export interface FoundRun extends AsyncDisposable {
  run: RunId
  manifest: string
  /** Undefined when the ledger has lost it, or has let it go a while after its end. */
  books: RunBooks | undefined
  /** Read where there are no books: pausing a run must not need its store. */
  document: RunDocument | undefined
  summary: RunSummary
  /** Where the run stores, wherever that is by the settings of this command. */
  store: Store
}

export interface FindOptions {
  queue: Queue
  /** Where runs are looked for that the ledger does not know. */
  storage: StorageSettings
  /** Said to a person whose run was not found. */
  hint?: string | undefined
}

const RUNS_NAMED_MAX = 1_000
/** Where the one that was probably meant is looked for. */
const KEYS_LISTED_MAX = 20_000

/** Without a name, the latest run. Throws ConfigError when there is no such run. */
export async function findRun(asked: string | undefined, options: FindOptions): Promise<FoundRun> {
  const { queue, storage } = options
  const name = asked ?? (await listRuns(queue, { storage, runsMax: 1 })).runs[0]?.run
  const books = await booksOf(name, queue)
  const store = await openStore(books === undefined ? storage : storageSettings(books.store, '/'))
  try {
    const isInStore = books === undefined && name !== undefined
    const document = isInStore ? await readDocument(name, store) : undefined
    const known = books ?? document
    if (known === undefined) throw await unknownRun(name, store, options)
    return {
      run: known.run,
      manifest: known.manifest,
      books,
      document,
      summary: books === undefined ? (known as RunDocument) : summaryOf(books),
      store,
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    }
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

/** The run that is probably meant where none is named: the latest that is not over, or the latest of all. */
export async function currentRun({ ledger }: Queue): Promise<RunId | undefined> {
  const latest = await ledger.latestRuns(RUNS_NAMED_MAX)
  return (latest.find(({ finishedAt }) => finishedAt === undefined) ?? latest[0])?.run
}

async function booksOf(name: string | undefined, { ledger }: Queue): Promise<RunBooks | undefined> {
  return RunId.safeParse(name).success ? ledger.books(name as RunId) : undefined
}

async function unknownRun(
  name: string | undefined,
  store: Store,
  { queue, hint }: FindOptions,
): Promise<ConfigError> {
  const more = hint === undefined ? '' : `; ${hint}`
  const where = `on the queue ${queue.name} or in ${store.url}`
  if (name === undefined) {
    return new ConfigError(`there are no runs ${where}${more}`)
  }
  const latest = (await queue.ledger.latestRuns(RUNS_NAMED_MAX)).map(({ run }) => run)
  const stored: RunId[] = []
  for await (const run of storedRuns(store, KEYS_LISTED_MAX)) stored.push(run)
  if (stored.includes(name)) {
    return new ConfigError(
      `the queue ${queue.name} knows nothing of ${name}, and its run.json in ${store.url} is of another version`,
    )
  }
  const meant = nearest(name, [...latest, ...stored])
  const guess = meant === undefined ? '"renderq runs" lists them' : `did you mean ${meant}?`
  return new ConfigError(`there is no run "${name}" ${where}: ${guess}${more}`)
}
