/** `--map id="Variant SKU"`: columns of the manifest that stand for others, so that an export needs no editing. */
import { isGiven } from './cell-values.ts'
import type { ColumnNames } from './column-names.ts'
import { columnOf, type Column } from './columns.ts'

export interface ColumnMapping {
  /** A column of renderq, or any name for templates. */
  target: string
  /** As the manifest has it. */
  source: string
}

type Cells = ReadonlyMap<string, unknown>

export class ColumnMap {
  readonly #names: ColumnNames
  /** In the order of the flags: of several sources the first that has something counts. */
  readonly #columns = new Map<Column, string[]>()
  readonly #variables = new Map<string, string[]>()

  constructor(mappings: readonly ColumnMapping[], names: ColumnNames) {
    this.#names = names
    for (const { target, source } of mappings) {
      const column = columnOf(target)
      if (column === undefined) append(this.#variables, target, source)
      else append(this.#columns, column, source)
    }
  }

  get sources(): readonly string[] {
    return [...this.#columns.values(), ...this.#variables.values()].flat()
  }

  /** What a mapped column is called in the manifest; undefined for one that is not mapped. */
  sourcesOf(column: Column): readonly string[] | undefined {
    return this.#columns.get(column)
  }

  /** Whether a header has lost its own meaning: it stands for something else, or something else for it. */
  takes(header: string, values: Cells): boolean {
    const column = columnOf(header)
    if (column !== undefined && this.#columns.has(column)) return true
    return this.sources.some((source) => this.#names.find(source, values) === header)
  }

  /** What the row has for each mapped column that is not blank. */
  columnsOf(values: Cells): Map<Column, unknown> {
    const given = new Map<Column, unknown>()
    for (const [column, sources] of this.#columns) {
      const value = this.#firstGiven(sources, values)
      if (isGiven(value)) given.set(column, value)
    }
    return given
  }

  /** What the row has for names that are no columns; a blank cell is an empty text, a missing one is missing. */
  variablesOf(values: Cells): Cells {
    const given = new Map<string, unknown>()
    for (const [name, sources] of this.#variables) {
      const value = this.#firstGiven(sources, values)
      if (value !== undefined) given.set(name, value)
    }
    return given
  }

  /** By target, for conditions. */
  valueOf(target: string, values: Cells): unknown {
    const sources = this.#variables.get(target) ?? this.#columns.get(columnOf(target) as Column)
    return sources === undefined ? undefined : this.#firstGiven(sources, values)
  }

  hasTarget(name: string): boolean {
    return this.#variables.has(name) || this.#columns.has(columnOf(name) as Column)
  }

  #firstGiven(sources: readonly string[], values: Cells): unknown {
    let blank: unknown
    for (const source of sources) {
      const name = this.#names.find(source, values)
      const value = name === undefined ? undefined : values.get(name)
      if (isGiven(value)) return value
      blank ??= value
    }
    return blank
  }
}

function append<Key>(lists: Map<Key, string[]>, key: Key, entry: string): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [entry])
  else list.push(entry)
}
