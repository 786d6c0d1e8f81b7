import { variableNameOf, type Column } from './columns.ts'
import type { RowCells } from './row-cells.ts'
import type { TemplateVariables } from './templates.ts'

type Values = object

/**
 * What the templates of one row see. A name may be taken several times: `decided` values win, the first of them
 * first, over a column's own name, that over a header as it is written, and that over the plain form of a header.
 * `row` holds every header as it is written: `{{ row["Image Src"] }}`; so does `first_row`, of the product's first.
 */
export class RowVariables implements TemplateVariables {
  readonly #cells: RowCells
  readonly #decided: readonly Values[]

  constructor(cells: RowCells, ...decided: readonly Values[]) {
    this.#cells = cells
    this.#decided = decided
  }

  get(name: string): unknown {
    const { given, named, firstOfProduct } = this.#cells
    if (name === 'row') return objectOf(named)
    if (name === 'first_row' && firstOfProduct !== undefined) return objectOf(firstOfProduct)
    for (const values of this.#decided)
      if (Object.hasOwn(values, name)) return (values as Record<string, unknown>)[name]
    if (given.has(name as Column)) return given.get(name as Column)
    if (named.has(name)) return named.get(name)
    for (const [header, value] of named) if (variableNameOf(header) === name) return value
    return undefined
  }

  names(): string[] {
    const { given, named } = this.#cells
    const headers = [...named.keys()]
    const plain = headers.map(variableNameOf)
    return [...this.#decided.flatMap(Object.keys), ...given.keys(), ...headers, ...plain]
  }
}

/** Without a prototype, because the names come from outside. */
function objectOf(cells: ReadonlyMap<string, unknown>): object {
  const row = Object.create(null) as Record<string, unknown>
  for (const [name, value] of cells) row[name] = value
  return row
}
