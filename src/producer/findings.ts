import { ManifestError, type ManifestProblem } from '../errors.ts'

/** A list longer than this helps nobody; the count goes on. */
const PROBLEMS_MAX = 1_000
/** Distinct warnings kept; each is counted however often it comes. */
const WARNINGS_MAX = 100

export interface Finding {
  line?: number
  column?: string
  message: string
  suggestion?: string
  /** When it is not the manifest itself that is wrong, e.g. `--set`. */
  file?: string
}

/** What was found while reading one manifest. Bounded, however many rows are wrong; the counts are exact. */
export class Findings {
  readonly file: string
  readonly #problems: ManifestProblem[] = []
  #problemCount = 0
  readonly #warnings = new Map<string, { count: number; line: number | undefined }>()
  #warningsLeftOut = 0

  constructor(file: string) {
    this.file = file
  }

  problem(finding: Finding): void {
    this.#problemCount += 1
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ file: this.file, ...finding })
  }

  /** Equal texts are one warning with a count, so keep row-specific words out of `text`. */
  warn(text: string, line?: number): void {
    const known = this.#warnings.get(text)
    if (known !== undefined) known.count += 1
    else if (this.#warnings.size < WARNINGS_MAX) this.#warnings.set(text, { count: 1, line })
    else this.#warningsLeftOut += 1
  }

  get problemCount(): number {
    return this.#problemCount
  }

  get warnings(): string[] {
    const texts = [...this.#warnings].map(([text, { count, line }]) => {
      if (line === undefined) return text
      return count === 1
        ? `${text} (line ${line})`
        : `${text} (${count} rows, first at line ${line})`
    })
    if (this.#warningsLeftOut > 0) texts.push(`and ${this.#warningsLeftOut} more warnings`)
    return texts
  }

  /** Throws everything found, in the order of the file. */
  throwIfProblems(): void {
    if (this.#problemCount === 0) return
    const inFileOrder = this.#problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
    throw new ManifestError(inFileOrder, this.#problemCount)
  }
}
