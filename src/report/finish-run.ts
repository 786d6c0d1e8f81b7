/**
 * The end of a run: its files, then its document, and last of all the mark that it is complete. Rows are walked
 * twice, in flat memory; everything may be repeated after a crash and comes to the same.
 */
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { RunId } from '../job.ts'
import type { Ledger, RunBooks } from '../queue/ledger.ts'
import type { RunDocument } from '../run-document.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { documentAtEnd } from './run-document-at-end.ts'
import { failedRowOf } from './failed-row.ts'
import { writeReport } from './report-html.ts'
import { csvLine, resultsColumns, resultsCsvLine } from './results-csv.ts'
import { runRows } from './run-rows.ts'
import { readDocument } from './stored-document.ts'

export interface FinishTools {
  queue: { ledger: Ledger }
  store: Store
  /** For files on their way; a folder of its own for each run, removed afterwards. */
  workDir: string
}

export async function finishRun(run: RunId, tools: FinishTools): Promise<void> {
  const { queue, store } = tools
  const books = await queue.ledger.books(run)
  if (books === undefined || books.finishedAt !== undefined) return
  const finishedAt = Date.now()
  const document = documentAtEnd(books, { entered: await readDocument(run, store), finishedAt })
  const workDir = join(tools.workDir, run)
  await mkdir(workDir, { recursive: true })
  try {
    await writeFiles(books, document, { store, workDir })
  } finally {
    await rm(workDir, { recursive: true, force: true })
  }
  await putText(store, runKey(run, 'run.json'), `${JSON.stringify(document, null, 2)}\n`)
  await putText(store, runKey(run, '_SUCCESS'), `${run}\n`)
  await queue.ledger.finishRun(run, finishedAt)
}

interface Workshop {
  store: Store
  workDir: string
}

async function writeFiles(
  books: RunBooks,
  document: RunDocument,
  { store, workDir }: Workshop,
): Promise<void> {
  const { run, parts, resultParts, state } = books
  const rows = () =>
    runRows({ run, parts, resultParts, isWhole: state !== 'cancelled', store, workDir })
  await writeLists(rows(), document, workDir)
  await writeReport({ rows: rows(), run: document, store, file: join(workDir, 'report.html') })
  for (const [name, contentType] of Object.entries(FILES)) {
    await store.put(
      runKey(run, name),
      { file: join(workDir, name) },
      { contentType, when: 'always' },
    )
  }
}

const FILES = {
  'results.jsonl': 'application/x-ndjson',
  'results.csv': 'text/csv; charset=utf-8',
  'failed.jsonl': 'application/x-ndjson',
  'report.html': 'text/html; charset=utf-8',
} as const

async function writeLists(
  rows: ReturnType<typeof runRows>,
  { columns }: RunDocument,
  workDir: string,
): Promise<void> {
  const names = resultsColumns(columns)
  const [jsonl, csv, failed] = ['results.jsonl', 'results.csv', 'failed.jsonl'].map((name) =>
    openLines(join(workDir, name)),
  ) as [Lines, Lines, Lines]
  try {
    await csv.add(csvLine(names))
    for await (const row of rows) {
      if (row.result !== undefined) await jsonl.add(`${JSON.stringify(row.result)}\n`)
      await csv.add(resultsCsvLine(row, names))
      const failure = failedRowOf(row)
      if (failure !== undefined) await failed.add(`${JSON.stringify(failure)}\n`)
    }
  } finally {
    await Promise.all([jsonl.close(), csv.close(), failed.close()])
  }
}

interface Lines {
  add(line: string): Promise<void>
  close(): Promise<void>
}

const BUFFERED_CHARS_MAX = 65_536

/** Waits for the disk when it is behind, and so lets the event loop turn. */
function openLines(file: string): Lines {
  const stream = createWriteStream(file)
  const done = finished(stream)
  // A failure is met by whoever waits for the next write or the end.
  done.catch(() => undefined)
  let buffered = ''
  const flush = async () => {
    const text = buffered
    buffered = ''
    await Promise.race([done, new Promise((resolve) => stream.write(text, resolve))])
  }
  return {
    async add(line) {
      buffered += line
      if (buffered.length > BUFFERED_CHARS_MAX) await flush()
    },
    async close() {
      stream.end(buffered)
      await done
    },
  }
}

async function putText(store: Store, key: string, text: string): Promise<void> {
  await store.put(key, Buffer.from(text), { contentType: 'application/json', when: 'always' })
}
