import { isGiven } from './cell-values.ts'
import type { ColumnNames } from './column-names.ts'
import type { ManifestRow } from './manifest-row.ts'

/**
 * `--fill-down Handle,Title`: shop exports write what all rows of a product share into its first row only. Blank
 * cells of these columns take the last value above. The first of them tells products apart: where it has another
 * value a new product begins, and nothing comes from above, or one product would get the picture of another.
 */
export class FillDown {
  readonly #columns: readonly string[]
  readonly #names: ColumnNames
  readonly #above = new Map<string, unknown>()
  #firstOfProduct: ManifestRow['values'] = new Map()

  constructor(columns: readonly string[], names: ColumnNames) {
    this.#columns = columns
    this.#names = names
  }

  /** Rows in their order. */
  fill(row: ManifestRow): ManifestRow {
    const { values } = row
    if (this.#columns.length === 0) return row
    if (this.#beginsProduct(values)) {
      this.#above.clear()
      this.#firstOfProduct = values
    }
    const filled = new Map(values)
    for (const column of this.#columns) {
      const name = this.#names.find(column, values) ?? column
      const value = values.get(name)
      if (isGiven(value)) this.#above.set(column, value)
      else if (this.#above.has(column)) filled.set(name, this.#above.get(column))
    }
    const { asWritten = values } = row
    return { ...row, values: filled, asWritten, firstOfProduct: this.#firstOfProduct }
  }

  #beginsProduct(values: ManifestRow['values']): boolean {
    const [column = ''] = this.#columns
    const value = values.get(this.#names.find(column, values) ?? column)
    return isGiven(value) && value !== this.#above.get(column)
  }
}
