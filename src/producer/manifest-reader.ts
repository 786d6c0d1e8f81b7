/**
 * Reads a manifest as a stream of rows, whatever its form, with bounded memory (JSON, the one form that is
 * read whole, up to 64 MB). Everything wrong with the file goes to `findings` with its line, and reading
 * goes on wherever the next row can still be told.
 */
import { extname } from 'node:path'
import type { Findings } from './findings.ts'
import { ManifestBytes, type ManifestBytesOptions } from './manifest-bytes.ts'
import type { ManifestRow } from './manifest-row.ts'
import { peek } from './peek.ts'
import { readCsv } from './read-csv.ts'
import { LINE_BYTES_MAX, readJsonLines } from './read-json-lines.ts'
import { readJson } from './read-json.ts'
import { utf8Text } from './utf8-text.ts'

type Reader = (source: AsyncIterable<Buffer>, findings: Findings) => AsyncIterable<ManifestRow>

const READER_OF_EXTENSION: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['.csv', readCsv],
  ['.tsv', readCsv],
  ['.json', readJson],
  ['.jsonl', readJsonLines],
  ['.ndjson', readJsonLines],
])
const LINE_FEED = 0x0a

export interface Manifest {
  rows: AsyncIterable<ManifestRow>
  /** Of the file's bytes; once, after the last row. */
  sha256(): string
}

/** `path` may be `-` for standard input. Nothing is opened before the rows are read. */
export function readManifest(
  path: string,
  findings: Findings,
  options?: ManifestBytesOptions,
): Manifest {
  const bytes = new ManifestBytes(path, findings, options)
  return { rows: readRows(path, bytes, findings), sha256: () => bytes.sha256() }
}

async function* readRows(
  path: string,
  bytes: ManifestBytes,
  findings: Findings,
): AsyncGenerator<ManifestRow> {
  const { head, chunks } = await peek(utf8Text(bytes.chunks(), findings), isTelling)
  const read = READER_OF_EXTENSION.get(extname(path).toLowerCase()) ?? readerByContent(head)
  let rowCount = 0
  for await (const row of read(chunks, findings)) {
    rowCount += 1
    yield row
  }
  if (rowCount > 0 || findings.problemCount > 0) return
  const isBlank = head.toString('utf8').trim() === ''
  findings.problem({ message: isBlank ? 'is empty' : 'has no rows' })
}

/** The first line that is not blank is enough to tell the forms apart. */
function isTelling(head: Buffer): boolean {
  const start = head.findIndex((byte) => byte > 0x20)
  return head.length > LINE_BYTES_MAX || (start !== -1 && head.includes(LINE_FEED, start))
}

function readerByContent(head: Buffer): Reader {
  const text = head.toString('utf8').trimStart()
  if (text.startsWith('[')) return readJson
  if (!text.startsWith('{')) return readCsv
  return isWholeRow(text.split('\n', 1)[0] ?? '') ? readJsonLines : readJson
}

/** One line that is an object of its own is a row, unless it is a whole document with its rows in it. */
function isWholeRow(line: string): boolean {
  try {
    return !Array.isArray((JSON.parse(line) as { rows?: unknown }).rows)
  } catch {
    return false
  }
}
