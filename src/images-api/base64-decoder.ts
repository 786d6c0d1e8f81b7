/**
 * Strict base64 out of a JSON string that arrives in pieces: alphabet, padding and length must be right.
 * Works on whole pieces with the runtime's own decoder, never character by character, and holds back at
 * most one group of four characters and one cut escape.
 */
import { AnswerBrokenError } from './answer-broken.ts'

const GROUP = 4
/** An escape whose rest is in the next piece. */
const CUT_ESCAPE = /\\(?:u[0-9a-fA-F]{0,3})?$/
const LAST_GROUP = /^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$/
const NOT_BASE64 = /[^A-Za-z0-9+/]/

export class Base64Decoder {
  #held = ''

  /** The bytes that are certain by now. Throws AnswerBrokenError at the first thing that is not base64. */
  push(piece: Buffer): Buffer {
    let text = this.#held + piece.toString('latin1')
    let cutEscape = ''
    if (text.includes('\\')) {
      cutEscape = CUT_ESCAPE.exec(text)?.[0] ?? ''
      text = unescape(text.slice(0, text.length - cutEscape.length))
    }
    // The last group may be padded, and only the end of the string tells which one is the last.
    const wholeLength = Math.max(0, text.length - 1 - ((text.length - 1) % GROUP))
    this.#held = text.slice(wholeLength) + cutEscape
    return decodeUnpadded(text.slice(0, wholeLength))
  }

  /** The bytes of the last group, when the string has ended. */
  finish(): Buffer {
    if (!LAST_GROUP.test(this.#held)) {
      throw new AnswerBrokenError(
        `bad base64: the text ends with ${JSON.stringify(this.#held)}, not with a whole group of four`,
      )
    }
    return Buffer.from(this.#held, 'base64')
  }
}

/** The only escapes that can stand for base64; any other backslash stays, and is refused by the decoder. */
const unescape = (text: string): string =>
  text
    .replaceAll('\\/', '/')
    .replaceAll(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))

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
