/**
 * Base64 out of a JSON string that arrives in pieces: alphabet, padding and length must be right. What some
 * servers do to good base64 (line breaks, no padding, a data URL) costs no paid picture, only a remark.
 * Works on whole pieces with the runtime's own decoder, never character by character, and holds back at
 * most one block of bytes, the head of a data URL and one cut escape.
 */
import { AnswerBrokenError } from './answer-broken.ts'

const GROUP = 4
/** Given on at once: as few writes as may be, and no buffer of its own for each piece. */
const BLOCK_BYTES = 262_144
/** Many pictures are small, or none at all. */
const FIRST_BLOCK_BYTES = 16_384
const PIECE_BYTES_MAX = 65_536
/** An escape whose rest is in the next piece. */
const CUT_ESCAPE = /\\(?:u[0-9a-fA-F]{0,3})?$/
const LAST_GROUP = /^(?:[A-Za-z0-9+/]{2,4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$/
const NOT_BASE64 = /[^A-Za-z0-9+/]/
const DATA_SCHEME = 'data:'
const DATA_HEAD = /^data:[\w.+/;=-]{0,80};base64,/
const DATA_HEAD_CHARS_MAX = 100

export type Base64Oddity = 'with line breaks' | 'without padding' | 'as a data URL'

export class Base64Decoder {
  readonly oddities = new Set<Base64Oddity>()
  #block = Buffer.allocUnsafeSlow(0)
  #filled = 0
  #isAtStart = true
  /** What is too little to decode: the head of a data URL, or part of a group. */
  #held: string
  #cutEscape = ''

  /** `head`: what was read of the string already; at most the beginning of a data URL. */
  constructor(head = '') {
    this.#held = head
  }

  /** The last block, when the string has ended. */
  finish(): Buffer {
    const rest = this.#held + this.#cutEscape
    if (!LAST_GROUP.test(rest)) {
      throw new AnswerBrokenError(
        `bad base64: the text ends with ${JSON.stringify(rest)}, not with a whole group of four`,
      )
    }
    if (rest.length % GROUP !== 0) this.oddities.add('without padding')
    return Buffer.concat([this.#emptied(), Buffer.from(rest, 'base64')])
  }

  /**
   * Blocks of the bytes that are certain by now, each to be used up before the next is asked for. Throws
   * AnswerBrokenError at the first thing that is not base64.
   */
  *push(piece: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < piece.length; at += PIECE_BYTES_MAX) {
      const text = this.#unescape(
        this.#cutEscape + piece.toString('latin1', at, at + PIECE_BYTES_MAX),
      )
      yield* this.#roomFor(text.length + DATA_HEAD_CHARS_MAX)
      if (this.#isAtStart) this.#takeStart(this.#held + text)
      else this.#take(text)
    }
  }

  /** A larger block, or the one there is, emptied. */
  *#roomFor(byteCount: number): Generator<Buffer, void> {
    if (this.#filled + byteCount <= this.#block.length) return
    if (this.#filled > 0) yield this.#emptied()
    if (byteCount <= this.#block.length) return
    const isSmall = this.#block.length === 0 && byteCount <= FIRST_BLOCK_BYTES
    this.#block = Buffer.allocUnsafeSlow(isSmall ? FIRST_BLOCK_BYTES : BLOCK_BYTES)
  }

  /** Holds everything back until it is known to be base64. */
  #takeStart(text: string): void {
    this.#held = this.#withoutDataHead(text)
    if (this.#isAtStart) return
    const rest = this.#held
    this.#held = ''
    this.#take(rest)
  }

  /** The last group may be padded, and only the end of the string tells which one is the last. */
  #take(text: string): void {
    const length = this.#held.length + text.length
    const wholeLength = Math.max(0, length - 1 - ((length - 1) % GROUP))
    // Joined apart from the rest, which is long, and would be copied once more.
    const joinLength = Math.min(text.length, (GROUP - this.#held.length) % GROUP)
    const restEnd = text.length - (length - wholeLength)
    if (restEnd < joinLength) {
      const few = this.#held + text
      this.#decode(few.slice(0, wholeLength))
      this.#held = few.slice(wholeLength)
      return
    }
    this.#decode(this.#held + text.slice(0, joinLength))
    this.#decode(text.slice(joinLength, restEnd))
    this.#held = text.slice(restEnd)
  }

  /**
   * The runtime skips what it does not know instead of failing, so that every character it skipped shows in
   * the length; and it takes the URL alphabet's two letters as well, which must be looked for.
   */
  #decode(text: string): void {
    const byteCount = this.#block.write(text, this.#filled, 'base64')
    if (byteCount !== (text.length / GROUP) * 3 || text.includes('-') || text.includes('_')) {
      throw new AnswerBrokenError(
        `bad base64: ${JSON.stringify(NOT_BASE64.exec(text)?.[0] ?? '')} is not a base64 character`,
      )
    }
    this.#filled += byteCount
  }

  #emptied(): Buffer {
    const bytes = this.#block.subarray(0, this.#filled)
    this.#filled = 0
    return bytes
  }

  /** The only escapes that can stand for base64 or a line break; any other backslash stays, to be refused. */
  #unescape(text: string): string {
    this.#cutEscape = ''
    if (!text.includes('\\')) return text
    this.#cutEscape = CUT_ESCAPE.exec(text)?.[0] ?? ''
    return text
      .slice(0, text.length - this.#cutEscape.length)
      .replaceAll('\\/', '/')
      .replaceAll(/\\(?:[nr]|u([0-9a-fA-F]{4}))/g, (_, hex?: string) => {
        const character = hex === undefined ? '\n' : String.fromCharCode(parseInt(hex, 16))
        if (character !== '\n' && character !== '\r') return character
        this.oddities.add('with line breaks')
        return ''
      })
  }

  /** Leaves the start behind as soon as the text is known to be base64. */
  #withoutDataHead(text: string): string {
    const isPossible = DATA_SCHEME.startsWith(text.slice(0, DATA_SCHEME.length))
    const head = DATA_HEAD.exec(text)?.[0] ?? ''
    const isUndecided = isPossible && head === '' && text.length < DATA_HEAD_CHARS_MAX
    if (head !== '') this.oddities.add('as a data URL')
    this.#isAtStart = isUndecided
    return text.slice(head.length)
  }
}
