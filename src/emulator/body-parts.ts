/**
 * The body of an answer as a list of its parts. Base64 is made while it is sent: ten large pictures as one
 * text would be longer than a string can be, and twice as heavy in memory as the pictures themselves.
 */
export type BodyPart =
  | { bytes: Buffer }
  /** `isFlawed`: one character in its middle is none of base64's. */
  | { base64Of: Buffer; isFlawed: boolean }
  /** Nothing is sent for this long. */
  | { pauseMs: number }

/** A multiple of 3, so that no piece but the last of a picture ends in padding. */
const BYTES_PER_PIECE = 3 * 16_384

/** The JSON, or text with JSON in it, where every `slot` is the place of the next picture. */
export function fillSlots(
  text: string,
  slot: string,
  pictures: readonly { bytes: Buffer; isFlawed: boolean }[],
): BodyPart[] {
  return text.split(slot).flatMap((piece, index): BodyPart[] => {
    const picture = pictures[index]
    const before = { bytes: Buffer.from(piece) }
    if (picture === undefined) return [before]
    return [before, { base64Of: picture.bytes, isFlawed: picture.isFlawed }]
  })
}

export const textPart = (text: string): BodyPart => ({ bytes: Buffer.from(text) })

export function byteCountOf(parts: readonly BodyPart[]): number {
  return parts.reduce((total, part) => {
    if ('bytes' in part) return total + part.bytes.length
    return 'base64Of' in part ? total + charCountOf(part.base64Of) : total
  }, 0)
}

const charCountOf = (bytes: Buffer) => Math.ceil(bytes.length / 3) * 4

/** The bytes of a part, some ten kilobytes at a time. */
export function* piecesOf(part: BodyPart): Generator<Buffer> {
  if ('bytes' in part) yield part.bytes
  if (!('base64Of' in part)) return
  const { base64Of, isFlawed } = part
  const middle = isFlawed ? Math.floor(charCountOf(base64Of) / 2) : -1
  for (let start = 0; start < base64Of.length; start += BYTES_PER_PIECE) {
    const text = base64Of.toString('base64', start, start + BYTES_PER_PIECE)
    const piece = Buffer.from(text, 'latin1')
    const flawAt = middle - (start / 3) * 4
    if (flawAt >= 0 && flawAt < piece.length) piece.write('!', flawAt, 'latin1')
    yield piece
  }
}
