import { batchLineColumns, isBatchLine } from './batch-line.ts'
import { variableNameOf } from './columns.ts'
import type { Findings } from './findings.ts'
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts'
import { columnsOfObject, NO_DEFAULTS, REPEATED_NAME, type ManifestRow } from './manifest-row.ts'

/** JSON is read whole, text and values; above this, JSON Lines is the better form. */
const JSON_BYTES_MAX = 64 * 1024 * 1024
const TOP_LEVEL_NAMES: ReadonlySet<string> = new Set(['$schema', 'defaults', 'rows'])
/** What a manifest can't decide about its own run. In plain form. */
export const FLAGS_ALONE: ReadonlySet<string> = new Set([
  'only',
  'rows',
  'where',
  'first',
  'sample',
  'force',
  'check_inputs',
  'priority',
  'map',
  'fill_down',
])
const LINE_END = /\r\n?|\n/g

interface Parts {
  rows: readonly unknown[]
  defaults: ReadonlyMap<string, unknown>
}

/** A JSON array of rows, or `{ "defaults": {…}, "rows": […] }`. */
export async function* readJson(
  source: AsyncIterable<Buffer>,
  findings: Findings,
): AsyncGenerator<ManifestRow> {
  const text = await readWhole(source, findings)
  if (text === undefined) return
  const lines = rowLinesOf(text, findings)
  const parts = lines && partsOf(JSON.parse(text), findings)
  if (parts === undefined) return
  for (const [index, value] of parts.rows.entries()) {
    const line = lines?.[index] ?? 1
    const columns = rowColumns(value, line, findings)
    if (columns !== undefined) yield { line, ...columns, defaults: parts.defaults }
  }
}

/** One row of JSON in either of its forms: plain columns, or a line of OpenAI's batch files. */
export function rowColumns(
  value: unknown,
  line: number,
  findings: Findings,
): Pick<ManifestRow, 'values' | 'asWritten'> | undefined {
  const columns = columnsOfObject(value, line, findings)
  if (columns === undefined || !isBatchLine(columns)) return columns && { values: columns }
  const values = batchLineColumns(columns, line, findings)
  return values && { values, asWritten: columns }
}

async function readWhole(
  source: AsyncIterable<Buffer>,
  findings: Findings,
): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let byteCount = 0
  for await (const chunk of source) {
    chunks.push(chunk)
    byteCount += chunk.length
    if (byteCount > JSON_BYTES_MAX) {
      findings.problem({
        message:
          'is larger than 64 MB, too much for JSON: write JSON Lines (.jsonl), one row per line',
      })
      return undefined
    }
  }
  const text = Buffer.concat(chunks).toString('utf8')
  return text.trim() === '' ? undefined : text
}

function rowLinesOf(text: string, findings: Findings): readonly number[] | undefined {
  try {
    const { rowOffsets, repeats } = JsonScanner.scan(text)
    const repeatLines = linesAt(
      text,
      repeats.map(({ offset }) => offset),
    )
    for (const [index, { name }] of repeats.entries()) {
      findings.problem({ line: repeatLines[index] ?? 1, column: name, message: REPEATED_NAME })
    }
    return linesAt(text, rowOffsets)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    const [line = 1] = linesAt(text, [error.offset])
    const isLines = error.message.startsWith('expected nothing after the end')
    const hint = isLines ? '; if each line is a row, name the file .jsonl' : ''
    findings.problem({ line, message: jsonProblem(error, text) + hint })
    return undefined
  }
}

/** Names the place as an editor does: the line is the problem's, the column is one-based. */
export function jsonProblem({ message, offset }: JsonSyntaxError, text: string): string {
  const lineStart = Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1))
  return `is not valid JSON at column ${offset - lineStart}: ${message}`
}

/** `offsets` ascend. */
function linesAt(text: string, offsets: readonly number[]): number[] {
  let line = 1
  let from = 0
  return offsets.map((offset) => {
    line += text.slice(from, offset).match(LINE_END)?.length ?? 0
    from = offset
    return line
  })
}

function partsOf(document: unknown, findings: Findings): Parts | undefined {
  if (Array.isArray(document)) return { rows: document, defaults: NO_DEFAULTS }
  const parts = columnsOfObject(document, 1, findings)
  if (parts === undefined) return undefined
  const rows = parts.get('rows')
  if (!Array.isArray(rows)) {
    findings.problem({ message: 'must be an array of rows, or { "defaults": {…}, "rows": […] }' })
    return undefined
  }
  for (const name of parts.keys()) {
    if (TOP_LEVEL_NAMES.has(name)) continue
    findings.problem({ column: name, message: 'is not known beside defaults and rows' })
  }
  if (!parts.has('defaults')) return { rows, defaults: NO_DEFAULTS }
  const defaults = columnsOfObject(parts.get('defaults'), 1, findings)
  for (const name of defaults?.keys() ?? []) {
    if (!FLAGS_ALONE.has(variableNameOf(name))) continue
    const message = `is a flag, --${variableNameOf(name).replace('_', '-')}, and not for defaults`
    findings.problem({ column: name, message })
  }
  return defaults && { rows, defaults }
}
