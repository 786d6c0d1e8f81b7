/**
 * Follows JSON just far enough to know when the string value of `data[i].b64_json` begins, and keeps
 * everything but the contents of those strings. What is kept is small, valid exactly when the whole is,
 * and parsed by JSON.parse in the end, so nothing here needs to judge JSON.
 */
import { AnswerBrokenError } from './answer-broken.ts'

/** Everything but the pictures: usage, prompts, URLs. */
export const OUTLINE_BYTES_MAX = 1_048_576
const DEPTH_MAX = 100

const QUOTE = 0x22
const BACKSLASH = 0x5c

interface Frame {
  isArray: boolean
  /** Of the member being read, unescaped. */
  key: string
  /** Of the element being read. */
  index: number
  /** In an object, between `{` or `,` and the key's end. */
  expectsKey: boolean
}

export class JsonOutline {
  /** The bytes kept, one character each. */
  #text = ''
  #frames: Frame[] = []
  #hasRoot = false
  #inString = false
  #isEscaped = false
  /** The raw text of the key being read. */
  #key: string | undefined

  /**
   * Reads on from `from`, up to the end of the bytes or just behind the opening quote of a picture, and
   * returns where it stopped. The caller then takes the picture out and goes on at its closing quote.
   */
  take(bytes: Buffer, from: number): number {
    let at = from
    while (at < bytes.length) {
      const byte = bytes.readUInt8(at)
      if (!this.#hasRoot) this.#expectObject(bytes, at)
      at += 1
      if (this.#inString) this.#stringByte(byte)
      else if (this.#structureByte(byte)) break
    }
    this.#keep(bytes.toString('latin1', from, at))
    return at
  }

  /** Of the picture whose string has just begun; undefined elsewhere. */
  get pictureIndex(): number | undefined {
    const [root, data, item] = this.#frames
    const isPicture =
      this.#inString &&
      this.#key === undefined &&
      this.#frames.length === 3 &&
      root?.key === 'data' &&
      data?.isArray === true &&
      item?.isArray === false &&
      item.key === 'b64_json'
    return isPicture ? data?.index : undefined
  }

  /** Every bracket is closed: the final brace has come. */
  get isComplete(): boolean {
    return this.#hasRoot && this.#frames.length === 0
  }

  /** The JSON with an empty string in place of each picture. Throws SyntaxError when it is not JSON. */
  parse(): unknown {
    return JSON.parse(new TextDecoder().decode(Buffer.from(this.#text, 'latin1')))
  }

  #expectObject(bytes: Buffer, at: number): void {
    const isBlank = ' \t\r\n\xef\xbb\xbf'.includes(String.fromCharCode(bytes.readUInt8(at)))
    if (isBlank || bytes[at] === 0x7b) return
    const begin = bytes.toString('latin1', at, at + 40).replaceAll(/[^\x20-\x7e]+/g, ' ')
    throw new AnswerBrokenError(`not a JSON object: begins with ${JSON.stringify(begin)}`)
  }

  #keep(text: string): void {
    this.#text += text
    if (this.#text.length > OUTLINE_BYTES_MAX) {
      throw new AnswerBrokenError(`more than ${OUTLINE_BYTES_MAX} bytes beside the pictures`)
    }
  }

  #stringByte(byte: number): void {
    if (byte === QUOTE && !this.#isEscaped) {
      this.#inString = false
      this.#endKey()
      return
    }
    this.#isEscaped = byte === BACKSLASH && !this.#isEscaped
    if (this.#key !== undefined) this.#key += String.fromCharCode(byte)
  }

  #endKey(): void {
    const frame = this.#frames.at(-1)
    if (this.#key === undefined || frame === undefined) return
    frame.key = unescapeKey(this.#key)
    frame.expectsKey = false
    this.#key = undefined
  }

  /** True when a picture's string has just begun. */
  #structureByte(byte: number): boolean {
    const frame = this.#frames.at(-1)
    switch (String.fromCharCode(byte)) {
      case '{':
      case '[':
        this.#open(byte === 0x5b)
        return false
      case '}':
      case ']':
        this.#frames.pop()
        return false
      case ',':
        if (frame !== undefined) {
          frame.index += 1
          frame.expectsKey = !frame.isArray
        }
        return false
      case '"':
        this.#inString = true
        this.#key = frame?.expectsKey === true ? '' : undefined
        return this.pictureIndex !== undefined
      default:
        return false
    }
  }

  #open(isArray: boolean): void {
    this.#hasRoot = true
    this.#frames.push({ isArray, key: '', index: 0, expectsKey: !isArray })
    if (this.#frames.length > DEPTH_MAX) throw new AnswerBrokenError('nested too deeply')
  }
}

function unescapeKey(raw: string): string {
  if (!raw.includes('\\')) return raw
  try {
    return String(JSON.parse(`"${raw}"`))
  } catch {
    // Then the whole is not JSON either, which is found at the end.
    return raw
  }
}
