/** A picture that has begun must come at some pace: a server that drips would hold a slot until the deadline. */
import type { ReadingState } from './answer-reader.ts'
import { DeadlineError } from './transport-failure.ts'

export interface ProgressFloorOptions {
  /** At least so many bytes of a picture in every `windowMs` of waiting for it. */
  bytesMin: number
  windowMs: number
  /** Once everything has come, the end of the connection is waited for so long. */
  endMs: number
}

export const PROGRESS_FLOOR: ProgressFloorOptions = {
  bytesMin: 65_536,
  windowMs: 60_000,
  endMs: 500,
}

/**
 * Before a picture, and between two of them, only the deadline of the whole call limits the wait: pictures take
 * minutes to make. Time that our own disk takes is never counted.
 */
export class ProgressFloor {
  readonly #options: ProgressFloorOptions
  #state: ReadingState = 'between'
  #waitedMs = 0
  #byteCount = 0

  constructor(options: ProgressFloorOptions) {
    this.#options = options
  }

  /** What is to be expected from now on. */
  expect(state: ReadingState): void {
    if (state !== this.#state) this.#beginWindow()
    this.#state = state
  }

  /**
   * The next chunk, or undefined when there is none or only the end was to come and does not. Throws DeadlineError
   * when a picture comes too slowly.
   */
  async next(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
    const coming = chunks.next()
    if (this.#state === 'between') return chunkOf(await coming)
    // It may fail when nobody waits any more.
    coming.catch(() => undefined)
    for (;;) {
      const beganAt = performance.now()
      const result = await within(coming, this.#leftMs())
      this.#waitedMs += performance.now() - beganAt
      if (result === 'late' && this.#state === 'end') return undefined
      const chunk = result === 'late' ? undefined : chunkOf(result)
      this.#byteCount += chunk?.byteLength ?? 0
      if (this.#state === 'picture') this.#check()
      if (result !== 'late') return chunk
    }
  }

  #leftMs(): number {
    const { endMs, windowMs } = this.#options
    return this.#state === 'end' ? endMs : Math.max(1, windowMs - this.#waitedMs)
  }

  #check(): void {
    const { bytesMin, windowMs } = this.#options
    if (this.#waitedMs < windowMs) return
    if (this.#byteCount < bytesMin) {
      const [bytes, ms] = [bytesMin, windowMs].map((number) => number.toLocaleString('en'))
      throw new DeadlineError(`less than ${bytes} bytes of a picture in ${ms} ms`)
    }
    this.#beginWindow()
  }

  #beginWindow(): void {
    this.#waitedMs = 0
    this.#byteCount = 0
  }
}

const chunkOf = (result: IteratorResult<Uint8Array>): Uint8Array | undefined =>
  result.done === true ? undefined : result.value

async function within<T>(coming: Promise<T>, ms: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms)
  })
  try {
    return await Promise.race([coming, late])
  } finally {
    clearTimeout(timer)
  }
}
