import type { Findings } from './findings.ts'
import { JsonScanner, JsonSyntaxError } from './json-scanner.ts'
import { NO_DEFAULTS, REPEATED_NAME, type ManifestRow } from './manifest-row.ts'
import { jsonProblem, rowColumns } from './read-json.ts'

/**
 * A row of a CSV may have 1 MB, and JSON writes each byte of it as six at worst: the line of `failed.jsonl` that becomes
 * of it can be run again.
 */
export const LINE_BYTES_MAX = 8 * 1024 * 1024
const LINE_FEED = 0x0a

/** JSON Lines: one object per line, read line by line; a bad line does not hide the others. */
export async function* readJsonLines(
  source: AsyncIterable<Buffer>,
  findings: Findings,
): AsyncGenerator<ManifestRow> {
  let line = 0
  for await (const bytes of linesOf(source)) {
    line += 1
    if (bytes.length > LINE_BYTES_MAX) {
      findings.problem({ line, message: 'is longer than 8 MB: one line is one row' })
      continue
    }
    const value = parseLine(bytes.toString('utf8'), line, findings)
    const columns = value === undefined ? undefined : rowColumns(value, line, findings)
    if (columns !== undefined) yield { line, ...columns, defaults: NO_DEFAULTS }
  }
}

/** Undefined for a blank line, and after reporting a broken one. */
function parseLine(text: string, line: number, findings: Findings): unknown {
  if (text.trim() === '') return undefined
  try {
    for (const { name } of JsonScanner.scan(text).repeats) {
      findings.problem({ line, column: name, message: REPEATED_NAME })
    }
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error
    findings.problem({ line, message: jsonProblem(error, text) })
    return undefined
  }
}

/** Without their line feeds. Of a line that is too long only the beginning, so that memory stays bounded. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let heldBytes = 0
  for await (const chunk of source) {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      yield joined(pieces, chunk.subarray(from, end))
      pieces = []
      heldBytes = 0
      from = end + 1
    }
    if (heldBytes > LINE_BYTES_MAX) continue
    pieces.push(chunk.subarray(from))
    heldBytes += chunk.length - from
  }
  if (heldBytes > 0) yield Buffer.concat(pieces)
}

const joined = (pieces: readonly Buffer[], last: Buffer): Buffer =>
  pieces.length === 0 ? last : Buffer.concat([...pieces, last])
