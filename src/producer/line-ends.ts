const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

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
