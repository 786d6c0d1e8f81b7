import { isGiven, isStorable } from './cell-values.ts'
import type { Finding, Findings } from './findings.ts'
import { isTemplate, Templates, type TemplateVariables } from './templates.ts'

export interface CellPlace {
  /** For findings. */
  place: Pick<Finding, 'file' | 'line' | 'column'>
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

  fill(cell: unknown, at: CellPlace): Filled {
    const problemsBefore = this.#findings.problemCount
    const value: unknown = Array.isArray(cell)
      ? cell.map((entry: unknown) => this.#fillEntry(entry, at))
      : this.#fillEntry(cell, at)
    if (this.#findings.problemCount > problemsBefore) return { kind: 'failed' }
    return isGiven(value) ? { kind: 'value', value } : { kind: 'blank' }
  }

  /** Undefined after reporting a problem. */
  #fillEntry(entry: unknown, { place, variables }: CellPlace): unknown {
    if (typeof entry !== 'string') return entry
    if (!isStorable(entry)) {
      const message = 'holds a NUL character or half of a surrogate pair: take it out'
      this.#findings.problem({ ...place, message })
      return undefined
    }
    if (!isTemplate(entry)) return entry
    const rendered = this.#templates.render(entry, variables)
    if (rendered.kind === 'text') {
      // A cell of which nothing is left counts as not given, which can be meant.
      const blanks = isGiven(rendered.text) ? (rendered.blanks ?? []) : []
      for (const name of blanks) this.#warnOfBlank(name, place)
      return rendered.text
    }
    const { kind: _, ...problem } = rendered
    this.#findings.problem({ ...place, ...problem })
    return undefined
  }

  /** Most often of a row that only continues the one above it. */
  #warnOfBlank(name: string, { file, column, line }: CellPlace['place']): void {
    const what = [file, column].filter((part) => part !== undefined).join(' ')
    const help = `fill the cells, add --fill-down, or write {{ ${name} | default: "…" }}`
    this.#findings.warn(`${what} {{ ${name} }}: is empty: ${help}`, line)
  }
}
