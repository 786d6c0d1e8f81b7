import { CellFiller } from './cell-filler.ts'
import { textOf } from './cell-values.ts'
import type { ColumnMap } from './column-map.ts'
import { Findings } from './findings.ts'
import type { ManifestRow } from './manifest-row.ts'
import { CellSorter } from './row-cells.ts'
import { RowVariables } from './row-variables.ts'

export interface RowIdOptions {
  manifestName: string
  set: Readonly<Record<string, string>>
  map: ColumnMap
}

/** The ids of rows that may not be meant at all: what is wrong with them is nobody's business yet. */
export class RowIds {
  readonly #manifestName: string
  readonly #sorter: CellSorter
  readonly #filler: CellFiller

  constructor({ manifestName, set, map }: RowIdOptions) {
    const unheard = new Findings('')
    this.#manifestName = manifestName
    this.#sorter = new CellSorter({ set, map }, unheard)
    this.#filler = new CellFiller(unheard)
  }

  /** `number` is one-based. Undefined when the row can't have the id it asks for. */
  idOf(row: ManifestRow, number: number): string | undefined {
    const cells = this.#sorter.sort(row)
    const variables = new RowVariables(cells, { manifest: this.#manifestName })
    const given = cells.given.get('id') ?? String(number)
    const filled = this.#filler.fill(given, { place: { line: row.line, column: 'id' }, variables })
    return filled.kind === 'value' ? textOf(filled.value)?.trim() : undefined
  }
}
