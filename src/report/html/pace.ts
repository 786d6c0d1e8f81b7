/**
 * When pictures were stored, in buckets that grow with the run, so that an hour and a month are both some hundred
 * numbers. Rows come in the manifest's order, not in time's.
 */
import type { Pace } from './report-data.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
/** Each a multiple of the one before it, so that buckets can be joined. */
const BUCKETS_MS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  24 * HOUR,
] as const
const BUCKETS_MAX = 120

export class PaceCounts {
  readonly #startedAt: number
  #bucketMs: number = BUCKETS_MS[0]
  #counts = new Map<number, number>()
  #first = Infinity
  #last = -Infinity

  /** Unix ms. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  add(endedAt: number, pictures: number): void {
    const afterMs = Math.max(0, endedAt - this.#startedAt)
    if (!Number.isFinite(afterMs) || pictures === 0) return
    this.#count(Math.floor(afterMs / this.#bucketMs), pictures)
    while (this.#last - this.#first >= BUCKETS_MAX) this.#coarsen()
  }

  pace(): Pace | null {
    if (this.#counts.size === 0) return null
    const length = this.#last - this.#first + 1
    return {
      bucketMs: this.#bucketMs,
      firstMs: this.#first * this.#bucketMs,
      pictures: Array.from({ length }, (_, at) => this.#counts.get(this.#first + at) ?? 0),
    }
  }

  #count(bucket: number, pictures: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + pictures)
    this.#first = Math.min(this.#first, bucket)
    this.#last = Math.max(this.#last, bucket)
  }

  #coarsen(): void {
    const finer = this.#counts
    const wider = BUCKETS_MS.find((bucketMs) => bucketMs > this.#bucketMs) ?? this.#bucketMs * 2
    const factor = wider / this.#bucketMs
    this.#bucketMs = wider
    this.#counts = new Map()
    this.#first = Infinity
    this.#last = -Infinity
    for (const [bucket, pictures] of finer) this.#count(Math.floor(bucket / factor), pictures)
  }
}
