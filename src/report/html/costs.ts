/** What the rows cost, divided by parameters of the request and by columns that have few different values. */
import type { ReportRow } from '../report-row.ts'
import type { CostDivision, CostGroup, ReportedOutcome } from './report-data.ts'
import { columnText } from './row-data.ts'

const PARAMETERS = ['model', 'size', 'quality', 'output_format'] as const
/** A column with more values than this names things instead of dividing them. */
const VALUES_MAX = 24
const VALUE_TEXT_MAX = 120
const COLUMNS_MAX = 60

interface Sums extends Omit<CostGroup, 'value' | 'costUsd'> {
  costMicroUsd: number
}

/** By value; undefined once a column has shown too many. */
type Division = Map<string, Sums> | undefined

export class Costs {
  readonly #parameters = new Map<string, Map<string, Sums>>()
  readonly #columns = new Map<string, Division>()
  #rows = 0

  add(row: ReportRow, outcome: ReportedOutcome): void {
    this.#rows += 1
    for (const name of PARAMETERS) {
      this.#addParameter(name, row.job.request[name] ?? 'default', { row, outcome })
    }
    this.#addParameter('operation', row.job.operation, { row, outcome })
    for (const [name, value] of Object.entries(row.columns)) {
      this.#addColumn(name, columnText(value), { row, outcome })
    }
  }

  list(): CostDivision[] {
    const parameters = [...this.#parameters].map(([name, division]) =>
      listed(name, { division, isColumn: false }),
    )
    const columns = [...this.#columns].flatMap(([name, division]) =>
      division !== undefined && this.#divides(division)
        ? [listed(name, { division, isColumn: true })]
        : [],
    )
    return [...parameters, ...columns]
  }

  #divides(division: ReadonlyMap<string, Sums>): boolean {
    return division.size >= 2 && division.size <= Math.max(2, this.#rows / 2)
  }

  #addParameter(name: string, value: string, row: AddedRow): void {
    const division = this.#parameters.get(name) ?? new Map<string, Sums>()
    this.#parameters.set(name, division)
    // A request may name any model and size, so these too have an end.
    const isNew = !division.has(value)
    addTo(division, isNew && division.size >= VALUES_MAX ? 'other' : value, row)
  }

  #addColumn(name: string, value: string, row: AddedRow): void {
    if (!this.#columns.has(name) && this.#columns.size >= COLUMNS_MAX) return
    const division = this.#columns.has(name) ? this.#columns.get(name) : new Map<string, Sums>()
    const isTooMuch =
      division !== undefined &&
      (value.length > VALUE_TEXT_MAX || (!division.has(value) && division.size >= VALUES_MAX))
    this.#columns.set(name, isTooMuch ? undefined : division)
    if (division !== undefined && !isTooMuch) addTo(division, value, row)
  }
}

interface AddedRow {
  row: ReportRow
  outcome: ReportedOutcome
}

function addTo(division: Map<string, Sums>, value: string, { row, outcome }: AddedRow): void {
  const { result } = row
  const sums = division.get(value) ?? {
    rows: 0,
    pictures: 0,
    unsuccessful: 0,
    costMicroUsd: 0,
    unpricedRows: 0,
  }
  division.set(value, sums)
  sums.rows += 1
  if (outcome === 'succeeded') sums.pictures += result?.keys.length ?? 0
  if (outcome !== 'succeeded' && outcome !== 'reused') sums.unsuccessful += 1
  sums.costMicroUsd += Math.round((result?.costUsd ?? 0) * 1_000_000)
  if (outcome === 'succeeded' && result?.costUsd === null) sums.unpricedRows += 1
}

function listed(
  name: string,
  { division, isColumn }: { division: ReadonlyMap<string, Sums>; isColumn: boolean },
): CostDivision {
  const groups = [...division].map(([value, { costMicroUsd, ...counts }]) => ({
    value,
    ...counts,
    costUsd: costMicroUsd / 1_000_000,
  }))
  return {
    name,
    isColumn,
    groups: groups.toSorted((a, b) => b.costUsd - a.costUsd || b.rows - a.rows),
  }
}
