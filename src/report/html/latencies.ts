/** How long answered calls took: a histogram over a logarithmic scale, fine enough to read percentiles from. */
import type { Latency } from './report-data.ts'

/** Neighbouring bounds differ by 6 %, which is how exact a percentile is. */
const BUCKETS_PER_DECADE = 40
/** 1 ms to 1,000,000 ms; what lies outside counts at the edge. */
const DECADES = 6
const BUCKETS = BUCKETS_PER_DECADE * DECADES
/** As many bars as a plot can show side by side. */
const BARS_MAX = 40

const boundOf = (bucket: number) => 10 ** (bucket / BUCKETS_PER_DECADE)

export class Latencies {
  readonly #counts = Array.from({ length: BUCKETS }, () => 0)
  #calls = 0

  add(requestMs: number): void {
    const bucket = Math.floor(Math.log10(Math.max(1, requestMs)) * BUCKETS_PER_DECADE)
    const at = Math.min(BUCKETS - 1, Math.max(0, bucket))
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#calls += 1
  }

  latency(): Latency | null {
    if (this.#calls === 0) return null
    return {
      calls: this.#calls,
      ...this.#bars(),
      p50Ms: this.#percentile(0.5),
      p90Ms: this.#percentile(0.9),
      p99Ms: this.#percentile(0.99),
    }
  }

  /** Joins buckets until there are few enough bars, each of the same width on the scale. */
  #bars(): Pick<Latency, 'bounds' | 'counts'> {
    const first = this.#counts.findIndex((count) => count > 0)
    const last = this.#counts.findLastIndex((count) => count > 0)
    const joined = Math.max(2, Math.ceil((last - first + 1) / BARS_MAX))
    const bars = Math.ceil((last - first + 1) / joined)
    const bounds = Array.from({ length: bars + 1 }, (_, bar) => boundOf(first + bar * joined))
    const counts = Array.from({ length: bars }, (_, bar) =>
      this.#counts
        .slice(first + bar * joined, first + (bar + 1) * joined)
        .reduce((sum, count) => sum + count, 0),
    )
    return { bounds, counts }
  }

  /** The middle of the bucket in which the call of that rank lies. */
  #percentile(share: number): number {
    const rank = Math.ceil(this.#calls * share)
    let seen = 0
    const bucket = this.#counts.findIndex((count) => {
      seen += count
      return seen >= rank
    })
    return boundOf(bucket + 0.5)
  }
}
