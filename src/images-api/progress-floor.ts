/** An answer that has begun must go on at some pace: a server that drips would hold a slot until the deadline. */
import { DeadlineError } from './transport-failure.ts'

export interface ProgressFloorOptions {
  /** At least so many bytes in every `windowMs` of waiting. */
  bytesMin: number
  windowMs: number
}

export const PROGRESS_FLOOR: ProgressFloorOptions = { bytesMin: 65_536, windowMs: 60_000 }

/** Counts only the time spent waiting for the server, never that of our own disk. */
export class ProgressFloor {
  readonly #options: ProgressFloorOptions
  #waitingSince = performance.now()
  #waitedMs = 0
  #bytes = 0

  constructor(options: ProgressFloorOptions) {
    this.#options = options
  }

  /** Throws DeadlineError when the window is over and too little came in it. */
  received(byteCount: number): void {
    const { bytesMin, windowMs } = this.#options
    this.#waitedMs += performance.now() - this.#waitingSince
    this.#bytes += byteCount
    if (this.#waitedMs < windowMs) return
    if (this.#bytes < bytesMin) {
      const [bytes, ms] = [bytesMin, windowMs].map((number) => number.toLocaleString('en'))
      throw new DeadlineError(`less than ${bytes} bytes in ${ms} ms`)
    }
    this.rest()
  }

  /** Nothing is expected before this moment: a new window begins. */
  rest(): void {
    this.#waitedMs = 0
    this.#bytes = 0
  }

  waiting(): void {
    this.#waitingSince = performance.now()
  }
}
