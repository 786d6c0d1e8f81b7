import { variableNameOf, type Column } from './columns.ts'
import type { RowCells } from './row-cells.ts'
import type { TemplateVariables } from './templates.ts'

/**
 * What the templates of one row see. A name may be taken several times: `decided` values win over a column's own name, that over a header as it is written, and that over the plain form
 * of a header. `row` holds every header as it is written: `{{ row["Image Src"] }}`.
 */
export class RowVariables implements TemplateVariables {
  readonly #cells: RowCells
  readonly #decided: Readonly<Record<string, unknown>>

  constructor(cells: RowCells, decided: Readonly<Record<string, unknown>>) {
    this.#cells = cells
    this.#decided = decided
  }

  get(name: string): unknown {
    const { given, named } = this.#cells
    if (name === 'row') return this.#row()
    if (Object.hasOwn(this.#decided, name)) return this.#decided[name]
    if (given.has(name as Column)) return given.get(name as Column)
    if (named.has(name)) return named.get(name)
    const header = [...named.keys()].find((header) => variableNameOf(header) === name)
    return header === undefined ? undefined : named.get(header)
  }

  names(): string[] {
    const { given, named } = this.#cells
    const headers = [...named.keys()]
    const plain = headers.map(variableNameOf)
    return [...Object.keys(this.#decided), ...given.keys(), ...headers, ...plain]
  }

  /** Without a prototype, because the names come from outside. */
  #row(): object {
    const row = Object.create(null) as Record<string, unknown>
    for (const [name, value] of this.#cells.named) row[name] = value
    return row
  }
}
