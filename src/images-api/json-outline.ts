/**
 * Follows JSON just far enough to know when a string that holds a picture begins, and keeps everything but
 * the contents of those strings. What is kept is small, valid exactly when the whole is, and parsed by
 * JSON.parse in the end, so nothing here needs to judge JSON.
 */
import { AnswerBrokenError } from './answer-broken.ts'

/** Everything but the pictures: usage, prompts, URLs. */
export const OUTLINE_BYTES_MAX = 1_048_576
const DEPTH_MAX = 100

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Where pictures are: in `data[i].b64_json` of a whole answer, or in `b64_json` of one event of a stream. */
export type PicturePlace = 'in data' | 'at the top'

/** What stays in the outline of a picture that came as a data URL in `url`: its first characters. */
export const DATA_URL_STUB = 'data:'

/** A picture's string has just begun. */
export interface BegunPicture {
  /** Its place in `data`; 0 at the top. */
  index: number
  /** What was read of it already. */
  head: string
}

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
  /** Of a `url` being read, as long as it may turn out to be a data URL. */
  #urlHead: string | undefined
  readonly #place: PicturePlace

  constructor(place: PicturePlace) {
    this.#place = place
  }

  /**
   * Reads on from `from`, up to the end of the bytes or into the string of a picture. The caller then takes
   * the rest of the picture out and goes on at its closing quote.
   */
  take(bytes: Buffer, from: number): { end: number; begun?: BegunPicture } {
    let at = from
    let begun: BegunPicture | undefined
    while (at < bytes.length && begun === undefined) {
      const byte = bytes.readUInt8(at)
      if (!this.#hasRoot) this.#expectObject(bytes, at)
      at += 1
      begun = this.#inString ? this.#stringByte(byte) : this.#structureByte(byte)
    }
    this.#keep(bytes.toString('latin1', from, at))
    return begun === undefined ? { end: at } : { end: at, begun }
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

  #stringByte(byte: number): BegunPicture | undefined {
    if (byte === QUOTE && !this.#isEscaped) {
      this.#inString = false
      this.#urlHead = undefined
      this.#endKey()
      return undefined
    }
    this.#isEscaped = byte === BACKSLASH && !this.#isEscaped
    if (this.#key !== undefined) this.#key += String.fromCharCode(byte)
    return this.#urlHead === undefined ? undefined : this.#urlByte(byte)
  }

  #urlByte(byte: number): BegunPicture | undefined {
    const head = this.#urlHead + String.fromCharCode(byte)
    this.#urlHead = head !== DATA_URL_STUB && DATA_URL_STUB.startsWith(head) ? head : undefined
    const index = this.#item()?.index
    return head === DATA_URL_STUB && index !== undefined ? { index, head } : undefined
  }

  #endKey(): void {
    const frame = this.#frames.at(-1)
    if (this.#key === undefined || frame === undefined) return
    frame.key = unescapeKey(this.#key)
    frame.expectsKey = false
    this.#key = undefined
  }

  #structureByte(byte: number): BegunPicture | undefined {
    const frame = this.#frames.at(-1)
    switch (String.fromCharCode(byte)) {
      case '{':
      case '[':
        this.#open(byte === 0x5b)
        return undefined
      case '}':
      case ']':
        this.#frames.pop()
        return undefined
      case ',':
        if (frame !== undefined) {
          frame.index += 1
          frame.expectsKey = !frame.isArray
        }
        return undefined
      case '"':
        this.#inString = true
        this.#key = frame?.expectsKey === true ? '' : undefined
        return this.#key === undefined ? this.#beginValue() : undefined
      default:
        return undefined
    }
  }

  #beginValue(): BegunPicture | undefined {
    const item = this.#item()
    if (item?.key === 'b64_json') return { index: item.index, head: '' }
    if (item?.key === 'url') this.#urlHead = ''
    return undefined
  }

  /** The object that may hold a picture, when the value being read is directly in it. */
  #item(): { key: string; index: number } | undefined {
    const [root, data, item] = this.#frames
    if (this.#place === 'at the top') {
      return this.#frames.length === 1 && root !== undefined
        ? { key: root.key, index: 0 }
        : undefined
    }
    const isItem =
      this.#frames.length === 3 &&
      root?.key === 'data' &&
      data?.isArray === true &&
      item?.isArray === false
    return isItem ? { key: item.key, index: data.index } : undefined
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
