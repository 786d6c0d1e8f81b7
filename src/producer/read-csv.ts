import { pipeline } from 'node:stream/promises'
import { parse, type Info } from 'csv-parse'
import { columnNamesOf, declaredDelimiter, delimiterOf, headerEnd } from './csv-header.ts'
import type { Findings } from './findings.ts'
import { NO_DEFAULTS, type ManifestRow } from './manifest-row.ts'
import { peek } from './peek.ts'
import { TakenBytes } from './taken-bytes.ts'

/** 32,000 characters of prompt and as many columns as people use stay far below this. */
const ROW_BYTES_MAX = 1024 * 1024
/** What the parser may hold before it has to give back a row: one row and the chunks around it. */
const HELD_BYTES_MAX = 4 * ROW_BYTES_MAX

interface ParsedRecord {
  record: string[]
  info: Info
}

interface CsvRecord {
  line: number
  cells: readonly string[]
  /** As in the file, with the line end. */
  bytes: Buffer
}

/**
 * CSV and TSV: RFC 4180 quoting, any line ends, the delimiter by the header line alone (a text column full
 * of commas must not outvote it). Memory: one row and a few chunks.
 */
export async function* readCsv(
  source: AsyncIterable<Buffer>,
  findings: Findings,
): AsyncGenerator<ManifestRow> {
  const { head, chunks } = await peek(source, hasHeader)
  const end = headerEnd(head)
  const firstLine = head.toString('utf8', 0, end === -1 ? head.length : end)
  const declared = declaredDelimiter(firstLine)
  const delimiter = declared ?? delimiterOf(firstLine)
  let isDeclaration = declared !== undefined
  let names: readonly string[] | undefined
  for await (const record of readRecords(chunks, delimiter, findings)) {
    if (record.cells.every((cell) => cell.trim() === '')) continue
    if (isDeclaration) {
      isDeclaration = false
      continue
    }
    if (names === undefined) {
      names = columnNamesOf(record.cells, record.line, findings)
      if (names === undefined) return
      continue
    }
    const row = rowOf(record, { names, delimiter, findings })
    if (row !== undefined) yield row
  }
}

const hasHeader = (head: Buffer): boolean => headerEnd(head) !== -1 || head.length > ROW_BYTES_MAX

async function* readRecords(
  chunks: AsyncIterable<Buffer>,
  delimiter: string,
  findings: Findings,
): AsyncGenerator<CsvRecord> {
  const taken = new TakenBytes()
  let trouble: string | undefined
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
    // Quotes inside unquoted text are text; `hasStrayQuote` finds the cells this leaves ambiguous.
    relax_quotes: true,
    relax_column_count: true,
    // An error would destroy the stream together with the good rows that still wait in it. The only one
    // left is the quote that is open at the end.
    skip_records_with_error: true,
    on_skip: () => {
      trouble ??= 'opens a quote that is never closed'
      return undefined
    },
  })
  const feed = async function* () {
    for await (const chunk of chunks) {
      taken.give(chunk)
      yield chunk
      if (taken.heldByteCount > HELD_BYTES_MAX) {
        trouble = TOO_LONG
        return
      }
    }
  }
  // When this fails the loop below rejects with the same error; leaving the loop early is no failure.
  const fed = pipeline(feed, parser).catch(() => {})
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRecord>) {
      const { line, bytes } = taken.takeUntil(info.bytes)
      if (bytes.length <= ROW_BYTES_MAX) yield { line, cells: record, bytes }
      else findings.problem({ line, message: TOO_LONG })
    }
  } finally {
    await fed
  }
  if (trouble !== undefined) findings.problem({ line: taken.line, message: trouble })
}

const TOO_LONG = 'begins a row of more than 1 MB: is a quote left open?'

interface Layout {
  names: readonly string[]
  delimiter: string
  findings: Findings
}

function rowOf({ line, cells, bytes }: CsvRecord, layout: Layout): ManifestRow | undefined {
  const { names, delimiter, findings } = layout
  if (cells.length !== names.length) {
    const hint =
      cells.length > names.length ? `: put text with a ${nameOf(delimiter)} in quotes` : ''
    const count = cells.length === 1 ? '1 cell' : `${cells.length} cells`
    const message = `has ${count} where the header has ${names.length}${hint}`
    findings.problem({ line, message })
    return undefined
  }
  const values = new Map<string, unknown>()
  for (const [index, cell] of cells.entries()) {
    const name = names[index] ?? ''
    if (cell.startsWith('"') && isMisread(cell, delimiter) && hasStrayQuote(cell, bytes)) {
      findings.problem({ line, column: name, message: STRAY_QUOTE })
    }
    if (name !== '') values.set(name, cell)
    else if (cell.trim() !== '')
      findings.problem({ line, message: 'has a cell without a column name' })
  }
  return { line, values, header: names, defaults: NO_DEFAULTS }
}

const STRAY_QUOTE = 'has text after the closing quote: write a quote inside quoted text as ""'

/**
 * In tab-separated files quotes are mostly plain text, unless one takes in the rows below it; elsewhere
 * `"12" mug"` is a mistake in quoting.
 */
function isMisread(cell: string, delimiter: string): boolean {
  return delimiter !== '\t' || /[\r\n]/.test(cell)
}

function hasStrayQuote(cell: string, bytes: Buffer): boolean {
  return !bytes.includes(`"${cell.replaceAll('"', '""')}"`)
}

function nameOf(delimiter: string): string {
  return { ',': 'comma', ';': 'semicolon', '|': 'vertical bar' }[delimiter] ?? 'tab'
}
