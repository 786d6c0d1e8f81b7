/** Server-sent events on the wire, in the plain way or in any other that the standard allows. */
import { randomUUID } from 'node:crypto'
import { type BodyPart, fillSlots, textPart } from './body-parts.ts'
import type { MadePicture } from './make-pictures.ts'

export interface Framing {
  lineEnd: 'lf' | 'crlf' | 'cr'
  byteOrderMark: boolean
  /** Comments and fields that mean nothing here, before and inside of events. */
  comments: boolean
  /** Behind `data:` and `event:`. */
  space: boolean
  eventLines: boolean
  /** One `data:` line for each field. */
  splitData: boolean
  /** `alphabetical`: `b64_json` comes first, and `type` near the end. */
  keyOrder: 'documented' | 'alphabetical'
  /** `[DONE]` at the end, as other streams of the API have it. */
  done: boolean
}

const LINE_ENDS = { lf: '\n', crlf: '\r\n', cr: '\r' } as const

export class EventWriter {
  readonly #framing: Framing
  readonly #lineEnd: string
  constructor(framing: Framing) {
    this.#framing = framing
    this.#lineEnd = LINE_ENDS[framing.lineEnd]
  }

  start(): BodyPart[] {
    return this.#framing.byteOrderMark ? [textPart('\uFEFF')] : []
  }

  /** `fields.b64_json` is where the picture goes. */
  event(fields: Record<string, unknown>, picture: MadePicture): BodyPart[] {
    const slot = randomUUID()
    const text = this.#eventText({ ...fields, b64_json: slot }, String(fields['type']))
    return fillSlots(text, slot, [picture])
  }

  json(fields: Record<string, unknown>, name?: string): BodyPart[] {
    return [textPart(this.#eventText(fields, name))]
  }

  comment(text: string): BodyPart[] {
    return [textPart(this.#lines([`: ${text}`, '']))]
  }

  end(): BodyPart[] {
    return this.#framing.done ? [textPart(this.#lines([this.#field('data', '[DONE]'), '']))] : []
  }

  #eventText(fields: Record<string, unknown>, name: string | undefined): string {
    const { comments, eventLines, keyOrder, splitData } = this.#framing
    const entries = Object.entries(fields)
    if (keyOrder === 'alphabetical') entries.sort(([a], [b]) => (a < b ? -1 : 1))
    const json = JSON.stringify(Object.fromEntries(entries), null, splitData ? 1 : 0)
    return this.#lines([
      ...(comments ? [': keep-alive', '', this.#field('retry', '3000')] : []),
      ...(eventLines && name !== undefined ? [this.#field('event', name)] : []),
      ...(comments ? [':', this.#field('id', randomUUID()), 'nonsense'] : []),
      ...json.split('\n').map((line) => this.#field('data', line)),
      '',
    ])
  }

  #field(name: string, value: string): string {
    return `${name}:${this.#framing.space ? ' ' : ''}${value}`
  }

  #lines(lines: readonly string[]): string {
    return lines.map((line) => line + this.#lineEnd).join('')
  }
}
