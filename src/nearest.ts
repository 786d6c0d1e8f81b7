/** The candidate a person most likely meant, for `(did you mean …)`; undefined when nothing is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.trim().toLowerCase()
  // A third of the word may be wrong: more, and the guess annoys rather than helps.
  let best = Math.max(1, Math.floor(wanted.length / 3))
  let found: string | undefined
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - wanted.length) > best) continue
    const distance = editDistance(wanted, candidate.toLowerCase())
    if (distance < best || (distance === best && found === undefined)) {
      best = distance
      found = candidate
    }
  }
  return found
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1)
      const swapped =
        from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
          ? at(beforeLast, column - 2) + 1
          : Infinity
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        replaced,
        swapped,
      )
    }
    beforeLast = last
    last = current
  }
  return at(last, to.length)
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity
