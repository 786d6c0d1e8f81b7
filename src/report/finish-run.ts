/**
 * The end of a run: its files, then its document, and last of all the mark that it is complete. Rows are walked
 * twice, in flat memory; everything may be repeated after a crash and comes to the same.
 */
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunId } from '../job.ts'
import type { Ledger, RunBooks } from '../queue/ledger.ts'
import type { RunDocument } from '../run-document.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { documentAtEnd } from './run-document-at-end.ts'
import { writeReport } from './report-html.ts'
import { openRunRows } from './run-rows.ts'
import { readDocument } from '../storage/stored-run.ts'
import { writeLists } from './write-lists.ts'

export interface FinishTools {
  queue: { ledger: Ledger }
  store: Store
  /** For files on their way; each end of a run makes a folder of its own in it, and removes it. */
  workDir: string
}

const FILES = {
  'results.jsonl': 'application/x-ndjson',
  'results.csv': 'text/csv; charset=utf-8',
  'failed.jsonl': 'application/x-ndjson',
  'report.html': 'text/html; charset=utf-8',
} as const

/** What a process that was killed has left behind is older than any end of a run takes. */
const LEFTOVER_AFTER_MS = 24 * 3_600_000

export async function finishRun(run: RunId, tools: FinishTools): Promise<void> {
  const { queue, store } = tools
  const books = await queue.ledger.books(run)
  if (books === undefined || books.finishedAt !== undefined) return
  const entered = await readDocument(run, store)
  // Its document may be stored already, by somebody who died before closing the books.
  const finishedAt = Date.parse(entered?.finishedAt ?? '') || Date.now()
  const atEnd = documentAtEnd(books, { entered, finishedAt })
  await removeLeftovers(tools.workDir)
  const dir = await newFolder(tools.workDir, run)
  let document: RunDocument
  try {
    document = await putFiles(books, atEnd, { store, dir })
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  }
  const documentText = `${JSON.stringify(document, null, 2)}\n`
  await putText(store, runKey(run, 'run.json'), { text: documentText, type: 'application/json' })
  await putText(store, runKey(run, '_SUCCESS'), { text: `${run}\n`, type: 'text/plain' })
  await queue.ledger.finishRun(run, finishedAt)
}

/** Returns the document, with what only the rows say. */
async function putFiles(
  books: RunBooks,
  atEnd: RunDocument,
  { store, dir }: { store: Store; dir: string },
): Promise<RunDocument> {
  await using results = await openRunRows(books, { store, dir: join(dir, 'results') })
  const { ended, reasons } = await writeLists(results.rows(), { columns: atEnd.columns, dir })
  if (ended < books.settled) {
    throw new Error(
      `${books.run} has ${books.settled} rows that ended and ${ended} results: they are not whole`,
    )
  }
  const document = { ...atEnd, reasons }
  const file = join(dir, 'report.html')
  await writeReport({ rows: results.rows(), run: document, store, file })
  for (const [name, contentType] of Object.entries(FILES)) {
    const body = { file: join(dir, name) }
    await store.put(runKey(books.run, name), body, { contentType, when: 'always' })
  }
  return document
}

async function putText(store: Store, key: string, { text, type }: { text: string; type: string }) {
  await store.put(key, Buffer.from(text), { contentType: type, when: 'always' })
}

/** Never shared: a worker that lost its lock may still be at it when the next one on this machine begins. */
async function newFolder(workDir: string, run: RunId): Promise<string> {
  await mkdir(workDir, { recursive: true })
  return mkdtemp(join(workDir, `${run}-`))
}

async function removeLeftovers(workDir: string): Promise<void> {
  const names = await readdir(workDir).catch(() => [])
  for (const name of names.filter((name) => name.startsWith('run_'))) {
    const folder = join(workDir, name)
    const changed = await stat(folder).catch(() => undefined)
    if (changed === undefined || Date.now() - changed.mtimeMs < LEFTOVER_AFTER_MS) continue
    await rm(folder, { recursive: true, force: true })
  }
}
