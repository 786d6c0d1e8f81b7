import { BOUNDED_PARAMETERS, numberProblemOf } from '../images-api/number-bounds.ts'
import { integerOf, isGiven, quoted, textOf } from './cell-values.ts'
import type { ColumnMap } from './column-map.ts'
import {
  columnOf,
  headerWarning,
  intendedColumn,
  PARAMETER_KINDS,
  type Column,
  type ParameterColumn,
} from './columns.ts'
import type { Finding, Findings } from './findings.ts'
import { columnNamesProblem, type ManifestRow } from './manifest-row.ts'
import { isTemplate } from './templates.ts'

/** JSON Lines may bring new names with every line; what is remembered of them is bounded. */
const HEADERS_REMEMBERED_MAX = 10_000

type Cells = ReadonlyMap<string, unknown>

/** A row with its columns told apart and its gaps filled: by `--set`, then by the manifest's own defaults. */
export interface RowCells {
  line: number
  /** What there is for each column; never blank. */
  given: ReadonlyMap<Column, unknown>
  /** Which of them the row gives itself. */
  own: Pick<ReadonlySet<Column>, 'has'>
  /** Which of them `--set` or `--prompt` gives. */
  set: Pick<ReadonlySet<string>, 'has'>
  /** Everything by the name it was written with, for templates. */
  named: Cells
  /** As it is written; with `--fill-down`. */
  firstOfProduct?: Cells
}

export class CellSorter {
  readonly #findings: Findings
  readonly #set: Cells
  readonly #map: ColumnMap
  readonly #columns = new Map<string, Column | undefined>()
  /** The same of the manifest's own names, some of which `--map` takes for something else. */
  readonly #ownColumns = new Map<string, Column | undefined>()
  readonly #clashes = new Set<string>()
  /** Names of `--set` that have filled no row so far. */
  readonly #idle: Set<string>

  constructor(
    { set, map }: { set: Readonly<Record<string, string>>; map: ColumnMap },
    findings: Findings,
  ) {
    this.#findings = findings
    this.#map = map
    this.#set = new Map(Object.entries(set).filter((entry) => this.#isUsable(entry)))
    this.#idle = new Set(this.#set.keys())
    const problem = columnNamesProblem([...this.#set.keys()])
    if (problem !== undefined) findings.problem({ file: '--set', message: problem })
  }

  /** Reports a value that fits no row once, instead of in every row. */
  #isUsable([name, value]: [string, string]): boolean {
    if (!isGiven(value)) return false
    const problem = isTemplate(value) ? undefined : setProblemOf(columnOf(name), value)
    if (problem !== undefined) this.#findings.problem({ file: '--set', column: name, ...problem })
    return problem === undefined
  }

  sort(row: ManifestRow): RowCells {
    const { line, values } = row
    const own = this.#givenIn(values, line, (name) => this.#ownColumnOf(name, row))
    for (const [column, value] of this.#map.columnsOf(values)) own.set(column, value)
    const given = new Map(own)
    const set = new Set<Column>()
    for (const cells of [this.#set, row.defaults]) {
      for (const [column, value] of this.#givenIn(cells, line, (name) =>
        this.#columnOf(name, line),
      )) {
        if (given.has(column)) continue
        given.set(column, value)
        if (cells === this.#set) set.add(column)
      }
    }
    // A prompt for all rows is not meant for those that can't have one.
    const operation = textOf(given.get('operation'))?.trim().toLowerCase()
    if (operation === 'variation' && !own.has('prompt')) given.delete('prompt')
    const { firstOfProduct } = row
    const named = this.#named(row)
    this.#noteFilled(set, named)
    const product = firstOfProduct === undefined ? {} : { firstOfProduct }
    return { line, given, own, set, named, ...product }
  }

  #noteFilled(columns: ReadonlySet<Column>, named: Cells): void {
    for (const name of this.#idle) {
      const column = columnOf(name)
      const hasFilled =
        column === undefined ? named.get(name) === this.#set.get(name) : columns.has(column)
      if (hasFilled) this.#idle.delete(name)
    }
  }

  /** Once all rows have been sorted: a flag without any effect was meant to have one. */
  warnOfIdle(): void {
    for (const name of this.#idle) {
      const flag = name === 'prompt' ? '--prompt' : `--set ${name}`
      this.#findings.warn(`${flag} fills no row: all have a value of their own`)
    }
  }

  #givenIn(
    cells: Cells,
    line: number,
    columnOf: (name: string) => Column | undefined,
  ): Map<Column, unknown> {
    const given = new Map<Column, unknown>()
    const headerOf = new Map<Column, string>()
    for (const [name, value] of cells) {
      const column = columnOf(name)
      if (column === undefined || !isGiven(value)) continue
      const other = headerOf.get(column)
      if (other !== undefined) this.#reportClash(other, name, { column, line })
      headerOf.set(column, name)
      given.set(column, value)
    }
    return given
  }

  /** The row itself where nothing fills it: most manifests, and no copy then. */
  #named(row: ManifestRow): Cells {
    const mapped = this.#map.variablesOf(row.values)
    if (this.#set.size + row.defaults.size + mapped.size === 0) return row.values
    const named = new Map([...row.defaults, ...this.#set])
    for (const cells of [row.values, mapped]) {
      for (const [name, value] of cells) {
        if (isGiven(value) || !named.has(name)) named.set(name, value)
      }
    }
    return named
  }

  #ownColumnOf(name: string, { values, line }: ManifestRow): Column | undefined {
    if (this.#ownColumns.has(name)) return this.#ownColumns.get(name)
    const column = this.#map.takes(name, values) ? undefined : this.#columnOf(name, line)
    if (this.#ownColumns.size >= HEADERS_REMEMBERED_MAX) this.#ownColumns.clear()
    this.#ownColumns.set(name, column)
    return column
  }

  /** Warns about a header when it is first seen. */
  #columnOf(name: string, line: number): Column | undefined {
    if (this.#columns.has(name)) return this.#columns.get(name)
    const column = columnOf(name)
    const warning = column === undefined ? headerWarning(name) : undefined
    if (warning !== undefined) this.#findings.warn(warning, line)
    if (this.#columns.size >= HEADERS_REMEMBERED_MAX) this.#columns.clear()
    this.#columns.set(name, column)
    return column
  }

  /** Once per pair: in a CSV it is the same in every row. */
  #reportClash(one: string, other: string, where: { column: Column; line: number }): void {
    const pair = JSON.stringify([one, other])
    if (this.#clashes.has(pair)) return
    if (this.#clashes.size < HEADERS_REMEMBERED_MAX) this.#clashes.add(pair)
    const message = `is given twice, as "${one}" and as "${other}"`
    this.#findings.problem({ ...where, message })
  }
}

function setProblemOf(column: Column | undefined, value: string) {
  if (PARAMETER_KINDS[column as ParameterColumn] !== 'integer') return undefined
  const number = integerOf(value)
  if (number === undefined) return { message: `${quoted(value)}: must be a whole number` }
  const name = BOUNDED_PARAMETERS.find((parameter) => parameter === column)
  return name === undefined ? undefined : numberProblemOf(name, number)
}

/** Where what is wrong with a cell has to be mended: in the row, or in the flag that filled it. */
export function placeOf(
  column: string,
  { line, set }: Pick<RowCells, 'line' | 'set'>,
): Pick<Finding, 'file' | 'line' | 'column'> {
  if (!set.has(column)) return { line, column }
  return column === 'prompt' ? { file: '--prompt', line } : { file: '--set', line, column }
}

/** A header that was probably meant to be `column`, for a row that lacks it. */
export function nearMissOf(column: Column, cells: RowCells): string | undefined {
  return [...cells.named.keys()].find(
    (name) => columnOf(name) === undefined && intendedColumn(name) === column,
  )
}

/** The header under which the row itself gives `column`. */
export function ownHeaderOf(column: string, { own, named }: RowCells): string | undefined {
  return own.has(column as Column)
    ? [...named.keys()].find((name) => columnOf(name) === column)
    : undefined
}
