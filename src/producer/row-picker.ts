/** From all rows of a manifest to those a run takes: gaps filled from above, unmeant rows left out, a sample drawn. */
import { nearest } from '../nearest.ts'
import { isGiven, textOf } from './cell-values.ts'
import { ColumnMap, type ColumnMapping } from './column-map.ts'
import { ColumnNames } from './column-names.ts'
import { columnOf, COLUMNS } from './columns.ts'
import { FillDown } from './fill-down.ts'
import type { Findings } from './findings.ts'
import type { ManifestRow } from './manifest-row.ts'
import { RowIds } from './row-ids.ts'
import { RowSelection, Sample, type Selection } from './row-selection.ts'

export interface PickOptions {
  map?: readonly ColumnMapping[]
  fillDown?: readonly string[]
  select?: Selection
}

export interface PickedRow {
  row: ManifestRow
  /** One-based, in the whole manifest. */
  number: number
}

export class RowPicker {
  readonly map: ColumnMap
  readonly #names = new ColumnNames()
  readonly #options: PickOptions
  readonly #findings: Findings
  readonly #fillDown: FillDown
  readonly #selection: RowSelection
  readonly #ids: RowIds
  readonly #needsMappedId: boolean
  #withIdCount = 0

  constructor(
    options: PickOptions,
    { manifestName, set }: { manifestName: string; set: Readonly<Record<string, string>> },
    findings: Findings,
  ) {
    this.#options = options
    this.#findings = findings
    this.map = new ColumnMap(options.map ?? [], this.#names)
    this.#fillDown = new FillDown(options.fillDown ?? [], this.#names)
    this.#selection = new RowSelection(options.select ?? {})
    this.#ids = new RowIds({ manifestName, set, map: this.map })
    for (const { target } of options.map ?? []) this.#warnOfNearMiss(target)
    const isSet = Object.keys(set).some((name) => columnOf(name) === 'id')
    this.#needsMappedId = this.map.sourcesOf('id') !== undefined && !isSet
  }

  #warnOfNearMiss(target: string): void {
    const meant = columnOf(target) === undefined ? nearest(target, COLUMNS) : undefined
    if (meant === undefined) return
    const message = `--map ${target} is only a template variable (did you mean ${meant}?)`
    this.#findings.warn(message)
  }

  /** The manifest's own column names, once its rows have been read. */
  get columns(): readonly string[] {
    return this.#names.all
  }

  async *pick(rows: AsyncIterable<ManifestRow>): AsyncGenerator<PickedRow> {
    const { sample: sampleSize } = this.#options.select ?? {}
    const sample = sampleSize === undefined ? undefined : new Sample<PickedRow>(sampleSize)
    let number = 0
    for await (const written of rows) {
      number += 1
      this.#names.see(written)
      // Every row would fail for the same misspelt name.
      if (number === 1 && written.header !== undefined && !this.#knowsNames()) return
      const picked = { row: this.#fillDown.fill(written), number }
      if (!this.#hasId(picked.row) || !this.#isSelected(picked)) continue
      if (sample === undefined) yield picked
      else sample.offer(picked, this.#idOf(picked))
    }
    if (!this.#knowsNames()) return
    yield* sample?.taken() ?? []
    if (number > 0 && this.#withIdCount > 0) this.#selection.check(number, this.#findings)
    else if (number > 0) {
      const message = `id: no row has a ${this.#idSources()}`
      this.#findings.problem({ file: '--map', message })
    }
  }

  #idSources(): string {
    return (this.map.sourcesOf('id') ?? []).map((source) => `"${source}"`).join(' or ')
  }

  /** Whoever says which column the ids are in has rows that only add to others: those have none. */
  #hasId({ values, line }: ManifestRow): boolean {
    if (!this.#needsMappedId || isGiven(this.map.valueOf('id', values))) {
      this.#withIdCount += 1
      return true
    }
    this.#findings.warn(`a row without ${this.#idSources()} (--map id) is left out`, line)
    return false
  }

  #isSelected({ row, number }: PickedRow): boolean {
    return this.#selection.takes({
      number,
      id: () => this.#idOf({ row, number }),
      valueOf: (field) => this.#valueOf(field, row),
    })
  }

  #idOf({ row, number }: PickedRow): string {
    return this.#ids.idOf(row, number) ?? String(number)
  }

  #valueOf(field: string, { values }: ManifestRow): string | undefined {
    const isMapped = !values.has(field) && this.map.hasTarget(field)
    const name = isMapped ? undefined : this.#names.find(field, values)
    const value = name === undefined ? this.map.valueOf(field, values) : values.get(name)
    return isGiven(value) ? (textOf(value) ?? JSON.stringify(value)) : undefined
  }

  /** False after reporting columns of flags that the manifest does not have. */
  #knowsNames(): boolean {
    const { fillDown = [], select = {} } = this.#options
    const fields = (select.where ?? []).map(({ field }) => field)
    const before = this.#findings.problemCount
    this.#names.check('--map', this.map.sources, this.#findings)
    this.#names.check('--fill-down', fillDown, this.#findings)
    const unmapped = fields.filter((field) => !this.map.hasTarget(field))
    this.#names.check('--where', unmapped, this.#findings)
    return this.#findings.problemCount === before
  }
}
