import type { Findings } from './findings.ts'

/** One entry of a manifest as it stands there: nothing is resolved yet. */
export interface ManifestRow {
  /** One-based line where the row begins in the file. */
  line: number
  /** By column name as written. A Map, because names come from outside. */
  values: ReadonlyMap<string, unknown>
  /** Where that is not what the file says: of a line of OpenAI's batch files, of cells filled from above. */
  asWritten?: ReadonlyMap<string, unknown>
  /** Of the same product, as it is written; where products are told apart. */
  firstOfProduct?: ReadonlyMap<string, unknown>
  /** All names there are, where that is known from the beginning: one list behind all rows of a CSV. */
  header?: readonly string[]
  /** What the manifest itself says for rows that lack a column (JSON's `defaults`). */
  defaults: ReadonlyMap<string, unknown>
}

export const REPEATED_NAME = 'is the name of more than one column'
export const NO_DEFAULTS: ReadonlyMap<string, unknown> = new Map()

const COLUMNS_MAX = 1_000
const COLUMN_NAME_CHARS_MAX = 200
const NESTING_MAX = 20
/** Names that are traps in JavaScript objects. They would be harmless here; nobody means them either. */
const REFUSED_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Says what is wrong with column names, or undefined. Names are already trimmed. */
export function columnNamesProblem(names: readonly string[]): string | undefined {
  if (names.length > COLUMNS_MAX) return `has more than ${COLUMNS_MAX} columns`
  const refused = names.find((name) => REFUSED_NAMES.has(name))
  if (refused !== undefined) return `has a column named "${refused}": rename it`
  const long = names.find((name) => name.length > COLUMN_NAME_CHARS_MAX)
  if (long !== undefined) {
    return `has a column name of ${long.length} characters: is the first line the header?`
  }
  return undefined
}

/** A JSON object as columns, or undefined after reporting why not. */
export function columnsOfObject(
  value: unknown,
  line: number,
  findings: Findings,
): Map<string, unknown> | undefined {
  const problem = objectProblem(value)
  if (problem !== undefined) {
    findings.problem({ line, message: problem })
    return undefined
  }
  const columns = new Map<string, unknown>()
  for (const [name, cell] of Object.entries(value as object)) {
    const column = name.trim()
    if (columns.has(column)) findings.problem({ line, column, message: REPEATED_NAME })
    columns.set(column, cell)
  }
  return columns
}

function objectProblem(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'is not an object: a row is { "prompt": "…", … }'
  }
  if (nestsDeeperThan(NESTING_MAX, value)) return `is nested deeper than ${NESTING_MAX} levels`
  return columnNamesProblem(Object.keys(value))
}

function nestsDeeperThan(levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => nestsDeeperThan(levels - 1, inner))
}
