import { isGiven, isStorable } from './cell-values.ts'
import type { Findings } from './findings.ts'
import { isTemplate, Templates, type TemplateVariables } from './templates.ts'

export interface CellPlace {
  line: number
  column: string
  /** What the cell's templates see. */
  variables: TemplateVariables
}

/** `blank`: nothing is left of the cell, it counts as not given. `failed`: the problem has been reported. */
export type Filled = { kind: 'value'; value: unknown } | { kind: 'blank' } | { kind: 'failed' }

/** Fills the templates in cells and refuses text that could not be kept as it is. */
export class CellFiller {
  readonly #templates = new Templates()
  readonly #findings: Findings

  constructor(findings: Findings) {
    this.#findings = findings
  }

  fill(cell: unknown, place: CellPlace): Filled {
    const problemsBefore = this.#findings.problemCount
    const value: unknown = Array.isArray(cell)
      ? cell.map((entry: unknown) => this.#fillEntry(entry, place))
      : this.#fillEntry(cell, place)
    if (this.#findings.problemCount > problemsBefore) return { kind: 'failed' }
    return isGiven(value) ? { kind: 'value', value } : { kind: 'blank' }
  }

  /** Undefined after reporting a problem. */
  #fillEntry(entry: unknown, { line, column, variables }: CellPlace): unknown {
    if (typeof entry !== 'string') return entry
    if (!isStorable(entry)) {
      const message = 'holds a NUL character or half of a surrogate pair: take it out'
      this.#findings.problem({ line, column, message })
      return undefined
    }
    if (!isTemplate(entry)) return entry
    const rendered = this.#templates.render(entry, variables)
    if (rendered.kind === 'text') return rendered.text
    const { kind: _, ...problem } = rendered
    this.#findings.problem({ line, column, ...problem })
    return undefined
  }
}
