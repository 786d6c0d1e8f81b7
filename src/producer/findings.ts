import { ManifestError, type ManifestProblem } from '../errors.ts'

/** Distinct problems kept: a longer list helps nobody. The count goes on. */
const PROBLEMS_MAX = 1_000
/** Of the rows with the same problem. */
const LINES_MAX = 200
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

/** A problem with the rows that have it. */
interface Problem {
  finding: Finding
  rows: number
  lines: number[]
}

/** What was found while reading one manifest. Bounded, however many rows are wrong; the counts are exact. */
export class Findings {
  readonly file: string
  readonly #problems = new Map<string, Problem>()
  #problemsLeftOut = 0
  #problemCount = 0
  readonly #warnings = new Map<string, { count: number; line: number | undefined }>()
  #warningsLeftOut = 0

  constructor(file: string) {
    this.file = file
  }

  /** Equal ones are one problem of several rows: a mistake in a flag or a column is one, however many rows it spoils. */
  problem(finding: Finding): void {
    this.#problemCount += 1
    const { file, column, message, suggestion, line } = finding
    const key = JSON.stringify([file, column, message, suggestion])
    const known = this.#problems.get(key)
    if (known !== undefined) {
      known.rows += 1
      if (line !== undefined && known.lines.length < LINES_MAX) known.lines.push(line)
    } else if (this.#problems.size < PROBLEMS_MAX) {
      const lines = line === undefined ? [] : [line]
      this.#problems.set(key, { finding, rows: 1, lines })
    } else this.#problemsLeftOut += 1
  }

  /** Equal texts are one warning with a count, so keep row-specific words out of `text`. */
  warn(text: string, line?: number): void {
    const known = this.#warnings.get(text)
    if (known !== undefined) known.count += 1
    else if (this.#warnings.size < WARNINGS_MAX) this.#warnings.set(text, { count: 1, line })
    else this.#warningsLeftOut += 1
  }

  /** Grows with every problem of every row. */
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

  /** Throws everything found: what is wrong with flags first, then in the order of the file. */
  throwIfProblems(): void {
    if (this.#problemCount === 0) return
    const problems = [...this.#problems.values()].map((problem) => this.#described(problem))
    const placeOf = ({ file, line = 0 }: ManifestProblem) => (file === this.file ? line : -1)
    throw new ManifestError(
      problems.toSorted((a, b) => placeOf(a) - placeOf(b)),
      problems.length + this.#problemsLeftOut,
    )
  }

  #described({ finding, rows, lines }: Problem): ManifestProblem {
    return { file: this.file, ...finding, ...(rows > 1 && { rows, lines: [...new Set(lines)] }) }
  }
}
