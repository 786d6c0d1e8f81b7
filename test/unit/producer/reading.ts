/** Readers under test: bytes in, in whatever pieces; rows as plain objects and what was found out. */
import type { ManifestProblem, ManifestError } from '../../../src/errors.ts'
import { Findings } from '../../../src/producer/findings.ts'
import { formatProblem } from '../../../src/producer/format-problems.ts'
import type { ManifestRow } from '../../../src/producer/manifest-row.ts'
import { utf8Text } from '../../../src/producer/utf8-text.ts'

type Reader = (source: AsyncIterable<Buffer>, findings: Findings) => AsyncIterable<ManifestRow>

interface ReadRow {
  line: number
  values: Record<string, unknown>
}

interface Reading {
  rows: ReadRow[]
  problems: string[]
  findings: Findings
}

/** `pieceBytes` is how much arrives at once. */
export async function readWith(
  reader: Reader,
  input: string | Buffer,
  pieceBytes = Infinity,
): Promise<Reading> {
  const findings = new Findings('m')
  const bytes = Buffer.from(input as Buffer)
  const rows: ReadRow[] = []
  for await (const row of reader(utf8Text(pieces(bytes, pieceBytes), findings), findings)) {
    rows.push({ line: row.line, values: Object.fromEntries(row.values) })
  }
  return { rows, problems: problemsOf(findings).map(formatProblem), findings }
}

export async function* pieces(bytes: Buffer, pieceBytes = Infinity): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    yield bytes.subarray(from, from + pieceBytes)
  }
}

export function problemsOf(findings: Findings): readonly ManifestProblem[] {
  try {
    findings.throwIfProblems()
    return []
  } catch (error) {
    return (error as ManifestError).problems
  }
}
