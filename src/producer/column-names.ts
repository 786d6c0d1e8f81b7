import { nearest } from '../nearest.ts'
import { variableNameOf } from './columns.ts'
import type { Findings } from './findings.ts'
import type { ManifestRow } from './manifest-row.ts'

/** JSON Lines may bring new names with every line; what is remembered of them is bounded. */
const NAMES_MAX = 1_000

/** The manifest's own column names as they come, and the finding of a column by the name a person wrote. */
export class ColumnNames {
  readonly #names = new Set<string>()
  readonly #byPlainForm = new Map<string, string>()
  #header: readonly string[] | undefined

  see({ values, asWritten, header }: ManifestRow): void {
    // The same list stands behind all rows of a CSV.
    if (header !== undefined && header === this.#header) return
    this.#header = header
    for (const name of (asWritten ?? values).keys()) this.#add(name)
    if (asWritten === undefined) return
    for (const name of values.keys()) this.#addPlainForm(name)
  }

  #add(name: string): void {
    if (this.#names.size >= NAMES_MAX || this.#names.has(name)) return
    this.#names.add(name)
    this.#addPlainForm(name)
  }

  #addPlainForm(name: string): void {
    const plain = variableNameOf(name)
    if (this.#byPlainForm.size < NAMES_MAX && !this.#byPlainForm.has(plain)) {
      this.#byPlainForm.set(plain, name)
    }
  }

  /** In the order of the header, or of first sight. */
  get all(): readonly string[] {
    return [...this.#names]
  }

  /** The row's own name for `wanted`, as it is written or in its plain form: `Image Src`, `image_src`. */
  find(wanted: string, values: ManifestRow['values']): string | undefined {
    if (values.has(wanted)) return wanted
    const name = this.#byPlainForm.get(variableNameOf(wanted))
    return name !== undefined && values.has(name) ? name : undefined
  }

  /** Reports the flag's columns that no row so far has. */
  check(flag: string, wanted: readonly string[], findings: Findings): void {
    for (const name of wanted) {
      if (this.#names.has(name) || this.#byPlainForm.has(variableNameOf(name))) continue
      const suggestion = nearest(name, this.#names)
      findings.problem({
        file: flag,
        message: `"${name}": the manifest has no such column`,
        ...(suggestion !== undefined && { suggestion: `"${suggestion}"` }),
      })
    }
  }
}
