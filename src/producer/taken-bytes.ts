const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * Remembers the bytes a parser has been given until it says how far it got, and counts lines on the way.
 * The CSV parser's own line numbers count a CRLF inside quotes twice; these are an editor's.
 */
export class TakenBytes {
  #chunks: Buffer[] = []
  /** Absolute position of the first byte that is still held. */
  #start = 0
  #held = 0
  #line = 1
  #previous: number | undefined

  give(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#held += chunk.length
  }

  get heldByteCount(): number {
    return this.#held
  }

  /** Where the bytes not yet taken begin. */
  get line(): number {
    return this.#line
  }

  /** Everything before the absolute position `end`, and the line it began on. */
  takeUntil(end: number): { line: number; bytes: Buffer } {
    const bytes = this.#cut(end - this.#start)
    const line = this.#line
    this.#line += countLineEnds(bytes, this.#previous)
    this.#previous = bytes.at(-1) ?? this.#previous
    return { line, bytes }
  }

  #cut(byteCount: number): Buffer {
    const first = this.#chunks[0] ?? Buffer.alloc(0)
    const whole = first.length >= byteCount ? first : Buffer.concat(this.#chunks)
    if (whole !== first) this.#chunks = [whole]
    this.#chunks[0] = whole.subarray(byteCount)
    if (this.#chunks[0].length === 0) this.#chunks.shift()
    this.#start += byteCount
    this.#held -= byteCount
    return whole.subarray(0, byteCount)
  }
}

/**
 * How many lines end in `bytes`, as an editor counts: LF, CRLF and a lone CR each once. A CRLF that is cut
 * in two by the caller counts once too, if `previous` is the byte before.
 */
export function countLineEnds(bytes: Uint8Array, previous?: number): number {
  let count = 0
  let before = previous
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index]
    if (byte === CARRIAGE_RETURN || (byte === LINE_FEED && before !== CARRIAGE_RETURN)) count += 1
    before = byte
  }
  return count
}
