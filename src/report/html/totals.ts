/** Everything the report says about the rows together, added up row by row: memory does not grow with the run. */
import type { RunDocument } from '../../run-document.ts'
import type { ReportRow } from '../report-row.ts'
import { Causes } from './causes.ts'
import { Costs } from './costs.ts'
import { Latencies } from './latencies.ts'
import { PaceCounts } from './pace.ts'
import type { ReportedOutcome, ReportSummary } from './report-data.ts'

export class Totals {
  readonly #run: RunDocument
  readonly #causes = new Causes()
  readonly #costs = new Costs()
  readonly #latencies = new Latencies()
  readonly #pace: PaceCounts
  readonly #counted: Record<ReportedOutcome, number> = {
    succeeded: 0,
    reused: 0,
    failed: 0,
    refused: 0,
    held: 0,
    cancelled: 0,
    left: 0,
  }

  constructor(run: RunDocument) {
    this.#run = run
    this.#pace = new PaceCounts(Date.parse(run.enteredAt))
  }

  add(row: ReportRow, outcome: ReportedOutcome): void {
    const { result } = row
    this.#counted[outcome] += 1
    this.#causes.add(row, outcome)
    this.#costs.add(row, outcome)
    if (result === undefined) return
    if (outcome === 'succeeded') this.#pace.add(result.endedAt, result.keys.length)
    if (result.requestMs !== null) this.#latencies.add(result.requestMs)
  }

  summary(listed: Pick<ReportSummary, 'rowsListed' | 'thumbnails'>): ReportSummary {
    return {
      run: this.#run,
      columns: this.#run.columns,
      counted: this.#counted,
      causes: this.#causes.list(),
      costs: this.#costs.list(),
      pace: this.#pace.pace(),
      latency: this.#latencies.latency(),
      ...listed,
    }
  }
}
