const EMPTY = 0

/**
 * Remembers on which line each text was first seen, in 12 to 24 bytes per text whatever its length, so that
 * a million rows cost some 25 MB. Texts are told apart by a hash of 64 bits: among a million different ones the
 * chance that two meet is 1 in 30 million.
 */
export class FirstLines {
  #capacity = 1_024
  #size = 0
  /** Three numbers per slot: two of hash, then the line, which is never 0. */
  #slots = new Uint32Array(this.#capacity * 3)

  /** The line on which `text` came first, or undefined when that is now. */
  add(text: string, line: number): number | undefined {
    const { high, low } = hashOf(text)
    const slot = this.#slotOf(high, low)
    const first = this.#slots[slot + 2] ?? EMPTY
    if (first !== EMPTY) return first
    this.#put(slot, { high, low, line })
    this.#size += 1
    if (this.#size * 2 > this.#capacity) this.#grow()
    return undefined
  }

  /** Where this hash is, or the empty slot where it belongs. */
  #slotOf(high: number, low: number): number {
    for (let index = high % this.#capacity; ; index = (index + 1) % this.#capacity) {
      const slot = index * 3
      if (this.#slots[slot + 2] === EMPTY) return slot
      if (this.#slots[slot] === high && this.#slots[slot + 1] === low) return slot
    }
  }

  #grow(): void {
    const old = this.#slots
    this.#capacity *= 2
    this.#slots = new Uint32Array(this.#capacity * 3)
    for (let from = 0; from < old.length; from += 3) {
      const [high = 0, low = 0, line = EMPTY] = [old[from], old[from + 1], old[from + 2]]
      if (line !== EMPTY) this.#put(this.#slotOf(high, low), { high, low, line })
    }
  }

  #put(slot: number, { high, low, line }: { high: number; low: number; line: number }): void {
    this.#slots[slot] = high
    this.#slots[slot + 1] = low
    this.#slots[slot + 2] = line
  }
}

interface Hash {
  high: number
  low: number
}

/** Two multiplicative hashes side by side, each mixed into the other at the end (cyrb64): quick, not secret. */
function hashOf(text: string): Hash {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    high = Math.imul(high ^ unit, 2_654_435_761)
    low = Math.imul(low ^ unit, 1_597_334_677)
  }
  const mixed = Math.imul(high ^ (high >>> 16), 2_246_822_507)
  const other = Math.imul(low ^ (low >>> 16), 2_246_822_507)
  return {
    high: (mixed ^ Math.imul(low ^ (low >>> 13), 3_266_489_909)) >>> 0,
    low: (other ^ Math.imul(high ^ (high >>> 13), 3_266_489_909)) >>> 0,
  }
}
