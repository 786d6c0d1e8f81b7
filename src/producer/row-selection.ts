/** Which rows of a manifest a run takes: `--only`, `--rows`, `--where`, then `--first` of those, then `--sample`. */
import { hash } from 'node:crypto'
import type { Findings } from './findings.ts'
import type { RowRange } from './row-ranges.ts'
import { matches, type Condition } from './where.ts'

/** A sample is held in memory until the manifest ends. */
export const SAMPLE_ROWS_MAX = 10_000

export interface Selection {
  /** Ids. */
  only?: readonly string[]
  rows?: readonly RowRange[]
  where?: readonly Condition[]
  first?: number
  sample?: number
}

/** What is asked of a row; the id is dear, so it is asked last and only when it matters. */
export interface Candidate {
  /** One-based, in the whole manifest. */
  number: number
  id(): string
  valueOf(field: string): string | undefined
}

export class RowSelection {
  readonly #selection: Selection
  readonly #only: ReadonlySet<string> | undefined
  readonly #missing: Set<string>
  #count = 0

  constructor(selection: Selection) {
    this.#selection = selection
    this.#only = selection.only && new Set(selection.only.map((id) => id.normalize()))
    this.#missing = new Set(this.#only)
  }

  /** Rows in their order. A sample is drawn from what this takes. */
  takes(candidate: Candidate): boolean {
    const isMeant =
      this.#isOnly(candidate) &&
      isInside(candidate.number, this.#selection.rows) &&
      matches(this.#selection.where ?? [], (field) => candidate.valueOf(field))
    if (!isMeant || this.#count >= (this.#selection.first ?? Infinity)) return false
    this.#count += 1
    return true
  }

  #isOnly({ id }: Candidate): boolean {
    if (this.#only === undefined) return true
    const own = id().normalize()
    if (!this.#only.has(own)) return false
    this.#missing.delete(own)
    return true
  }

  /** After the last row: ids that no row has, and a selection that leaves nothing. */
  check(rowCount: number, findings: Findings): void {
    for (const id of this.#missing) {
      findings.problem({ file: '--only', message: `"${id}": no row has this id` })
    }
    if (this.#count > 0 || this.#missing.size > 0 || rowCount === 0) return
    const flags = Object.entries(this.#selection).filter(([, value]) => value !== undefined)
    if (flags.length === 0) return
    const names = flags.map(([name]) => `--${name}`).join(' and ')
    const rows = rowCount === 1 ? 'the only row' : `any of the ${rowCount} rows`
    const verb = flags.length === 1 ? 'does' : 'do'
    findings.problem({ file: names, message: `${verb} not select ${rows}` })
  }
}

function isInside(number: number, ranges: readonly RowRange[] | undefined): boolean {
  return ranges === undefined || ranges.some(({ from, to }) => number >= from && number <= to)
}

/** Keeps `size` of all entries: the same ones every time, for they are chosen by a digest of their ids. */
export class Sample<Entry> {
  readonly #size: number
  #kept: { entry: Entry; rank: string; order: number }[] = []
  #order = 0

  constructor(size: number) {
    this.#size = size
  }

  offer(entry: Entry, id: string): void {
    this.#kept.push({ entry, rank: hash('sha256', id), order: this.#order++ })
    if (this.#kept.length >= 2 * this.#size) this.#shrink()
  }

  /** In the order in which they were offered. */
  taken(): Entry[] {
    this.#shrink()
    return this.#kept.toSorted((a, b) => a.order - b.order).map(({ entry }) => entry)
  }

  #shrink(): void {
    const byRank = this.#kept.toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    this.#kept = byRank.slice(0, this.#size)
  }
}
