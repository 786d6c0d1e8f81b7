/** A sink that gets every byte once, although the download that feeds it may be begun anew. */
import { createHash, type Hash } from 'node:crypto'
import { DownloadError } from './download-failure.ts'

export class OnceSink {
  /** What the sink itself threw: no fault of the download, and not cured by another. */
  failure: { error: unknown } | undefined
  readonly #sink: (chunk: Uint8Array) => Promise<void>
  readonly #delivered = createHash('sha256')
  #deliveredCount = 0
  #repeated: Hash = createHash('sha256')
  #repeatedCount = 0

  constructor(sink: (chunk: Uint8Array) => Promise<void>) {
    this.#sink = sink
  }

  /** A new download begins, from its first byte. */
  begin(): void {
    this.#repeated = createHash('sha256')
    this.#repeatedCount = 0
  }

  async write(chunk: Uint8Array): Promise<void> {
    const repeated = chunk.subarray(0, this.#deliveredCount - this.#repeatedCount)
    if (repeated.byteLength > 0) this.#compare(repeated)
    const fresh = chunk.subarray(repeated.byteLength)
    if (fresh.byteLength > 0) await this.#deliver(fresh)
  }

  #compare(repeated: Uint8Array): void {
    this.#repeated.update(repeated)
    this.#repeatedCount += repeated.byteLength
    if (this.#repeatedCount < this.#deliveredCount) return
    const before = this.#delivered.copy().digest('hex')
    if (this.#repeated.digest('hex') !== before) {
      throw new DownloadError('gone', 'the next try began with other bytes')
    }
  }

  /** The download has ended. How many bytes there were. */
  end(): number {
    if (this.#repeatedCount === this.#deliveredCount) return this.#deliveredCount
    throw new DownloadError('gone', 'the next try brought fewer bytes')
  }

  async #deliver(fresh: Uint8Array): Promise<void> {
    try {
      await this.#sink(fresh)
    } catch (error) {
      this.failure = { error }
      throw error
    }
    this.#delivered.update(fresh)
    this.#deliveredCount += fresh.byteLength
    this.#repeatedCount = this.#deliveredCount
  }
}
