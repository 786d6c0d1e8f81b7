/**
 * Base64 out of a JSON string that arrives in pieces: alphabet, padding and length must be right. What some
 * servers do to good base64 (line breaks, no padding, a data URL) costs no paid picture, only a remark.
 * Works on whole pieces with the runtime's own decoder, never character by character, and holds back at
 * most the head of a data URL, one group of four characters and one cut escape.
 */
import { AnswerBrokenError } from './answer-broken.ts'

const GROUP = 4
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
  #isAtStart = true
  #held = ''
  #cutEscape = ''

  /** The bytes that are certain by now. Throws AnswerBrokenError at the first thing that is not base64. */
  push(piece: Buffer): Buffer {
    let text = this.#held + this.#unescape(this.#cutEscape + piece.toString('latin1'))
    if (this.#isAtStart) {
      text = this.#withoutDataHead(text)
      // Too little to tell yet.
      if (this.#isAtStart) {
        this.#held = text
        return Buffer.alloc(0)
      }
    }
    // The last group may be padded, and only the end of the string tells which one is the last.
    const wholeLength = Math.max(0, text.length - 1 - ((text.length - 1) % GROUP))
    this.#held = text.slice(wholeLength)
    return decodeUnpadded(text.slice(0, wholeLength))
  }

  /** The bytes of the last group, when the string has ended. */
  finish(): Buffer {
    const rest = this.#held + this.#cutEscape
    if (!LAST_GROUP.test(rest)) {
      throw new AnswerBrokenError(
        `bad base64: the text ends with ${JSON.stringify(rest)}, not with a whole group of four`,
      )
    }
    if (rest.length % GROUP !== 0) this.oddities.add('without padding')
    return Buffer.from(rest, 'base64')
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

/**
 * The runtime skips what it does not know instead of failing, so that every character it skipped shows in
 * the length; and it takes the URL alphabet's two letters as well, which must be looked for.
 */
function decodeUnpadded(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== (text.length / GROUP) * 3 || text.includes('-') || text.includes('_')) {
    throw new AnswerBrokenError(
      `bad base64: ${JSON.stringify(NOT_BASE64.exec(text)?.[0] ?? '')} is not a base64 character`,
    )
  }
  return bytes
}
