/**
 * Server-sent events, taken apart as the WHATWG standard says, but without ever holding an event: what comes
 * behind `data:` is handed on as it arrives, because one line may be a picture of twenty megabytes.
 */
export type EventToken =
  /** Part of the current event's data; its lines are joined by line feeds. */
  | { kind: 'data'; bytes: Buffer }
  /** The current event is over. `name` is that of its `event:` line, or empty. */
  | { kind: 'end'; name: string }

const LF = 0x0a
const CR = 0x0d
const COLON = 0x3a
const BLANK = 0x20
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
const NEWLINE: EventToken = { kind: 'data', bytes: Buffer.from('\n') }
/** Longer names are none that we know. */
const FIELD_CHARS_MAX = 16
const EVENT_NAME_CHARS_MAX = 200

export class EventStream {
  /** Bytes of the mark that were there; all of them when that question is settled. */
  #markBytes = 0
  #afterCr = false
  /** The name of the line's field, as far as it was read. */
  #field = ''
  #inValue = false
  #valueBegins = false
  #hasData = false
  #name = ''

  /** Data of an event has begun, and the event's end has not come yet. */
  get isInsideEvent(): boolean {
    return this.#hasData
  }

  *push(bytes: Buffer): Generator<EventToken> {
    let at = this.#skipMark(bytes)
    while (at < bytes.length) {
      const byte = bytes.readUInt8(at)
      const isRestOfCrLf = this.#afterCr && byte === LF
      this.#afterCr = byte === CR
      if (isRestOfCrLf) at += 1
      else if (byte === LF || byte === CR) {
        at += 1
        yield* this.#endLine()
      } else if (this.#inValue) {
        at = yield* this.#takeValue(bytes, at)
      } else {
        at += 1
        yield* this.#takeName(byte)
      }
    }
  }

  /** The body has ended. The standard drops an event that no blank line ended; we let its reader judge it. */
  *finish(): Generator<EventToken> {
    yield* this.#endLine()
    yield* this.#endEvent()
  }

  #skipMark(bytes: Buffer): number {
    let at = 0
    while (this.#markBytes < BYTE_ORDER_MARK.length && at < bytes.length) {
      if (bytes[at] !== BYTE_ORDER_MARK[this.#markBytes]) {
        // Half a mark is part of a field's name, one that nobody knows.
        if (this.#markBytes > 0) this.#field = '\ufeff'
        this.#markBytes = BYTE_ORDER_MARK.length
        break
      }
      this.#markBytes += 1
      at += 1
    }
    return at
  }

  *#takeName(byte: number): Generator<EventToken> {
    if (byte === COLON) {
      this.#inValue = true
      this.#valueBegins = true
      yield* this.#beginField()
    } else if (this.#field.length < FIELD_CHARS_MAX) this.#field += String.fromCharCode(byte)
  }

  *#beginField(): Generator<EventToken> {
    if (this.#field === 'event') this.#name = ''
    if (this.#field !== 'data') return
    if (this.#hasData) yield NEWLINE
    this.#hasData = true
  }

  *#takeValue(bytes: Buffer, from: number): Generator<EventToken, number> {
    const isFirst = this.#valueBegins
    this.#valueBegins = false
    if (isFirst && bytes[from] === BLANK) return from + 1
    const end = lineEndIn(bytes, from)
    const value = bytes.subarray(from, end)
    if (this.#field === 'data') yield { kind: 'data', bytes: value }
    if (this.#field === 'event') {
      const text = value.toString('latin1', 0, EVENT_NAME_CHARS_MAX)
      this.#name = (this.#name + text).slice(0, EVENT_NAME_CHARS_MAX)
    }
    return end
  }

  *#endLine(): Generator<EventToken> {
    const isBlank = !this.#inValue && this.#field === ''
    // A line may be a field's name alone.
    if (!this.#inValue) yield* this.#beginField()
    this.#field = ''
    this.#inValue = false
    if (isBlank) yield* this.#endEvent()
  }

  *#endEvent(): Generator<EventToken> {
    if (this.#hasData) yield { kind: 'end', name: this.#name }
    this.#hasData = false
    this.#name = ''
  }
}

function lineEndIn(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from)
  const end = lf === -1 ? bytes.length : lf
  const cr = bytes.subarray(from, end).indexOf(CR)
  return cr === -1 ? end : from + cr
}
