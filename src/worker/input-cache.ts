/**
 * Input pictures that several rows share are fetched once: rows of one product come close together. Bounded by
 * bytes and by age, so that a URL whose picture changes is looked at again.
 */
interface Entry {
  fetched: Promise<Buffer>
  /** Of the row that fetches it. */
  signal: AbortSignal
  /** 0 until it has come. */
  byteCount: number
  fetchedAtMs: number
}

export interface InputCacheOptions {
  bytesMax: number
  ageMaxMs: number
}

const BYTES_MAX = 64 * 1024 * 1024
const AGE_MAX_MS = 5 * 60_000

export class InputCache {
  readonly #options: InputCacheOptions
  /** The one used longest ago comes first. */
  readonly #entries = new Map<string, Entry>()
  #byteCount = 0

  constructor(options: InputCacheOptions = { bytesMax: BYTES_MAX, ageMaxMs: AGE_MAX_MS }) {
    this.#options = options
  }

  /**
   * What is being fetched already is waited for. A failure is everybody's who waited, and not remembered; but when
   * only the row that fetched it was stopped, the others fetch it themselves.
   */
  get(key: string, signal: AbortSignal, fetch: () => Promise<Buffer>): Promise<Buffer> {
    const known = this.#entries.get(key)
    if (known !== undefined && performance.now() - known.fetchedAtMs < this.#options.ageMaxMs) {
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.fetched.catch((error: unknown) => {
        if (known.signal.aborted && !signal.aborted) return this.get(key, signal, fetch)
        throw error
      })
    }
    this.#remove(key)
    const entry = { fetched: fetch(), signal, byteCount: 0, fetchedAtMs: performance.now() }
    this.#entries.set(key, entry)
    entry.fetched.then(
      (bytes) => this.#keep(key, entry, bytes),
      () => this.#entries.get(key) === entry && this.#remove(key),
    )
    return entry.fetched
  }

  #keep(key: string, entry: Entry, bytes: Buffer): void {
    if (this.#entries.get(key) !== entry) return
    entry.byteCount = bytes.length
    this.#byteCount += bytes.length
    for (const oldest of this.#entries.keys()) {
      if (this.#byteCount <= this.#options.bytesMax) return
      this.#remove(oldest)
    }
  }

  #remove(key: string): void {
    this.#byteCount -= this.#entries.get(key)?.byteCount ?? 0
    this.#entries.delete(key)
  }
}
