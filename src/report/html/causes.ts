/** Why rows ended without a picture: counted by error code, with the first ids and messages of each. */
import { whatHelps } from '../../what-helps.ts'
import type { ReportRow } from '../report-row.ts'
import type { Cause, ReportedOutcome } from './report-data.ts'

const IDS_MAX = 12
const MESSAGES_MAX = 3
/** Different messages counted per code; a code with more is one whose messages name the row. */
const MESSAGES_COUNTED_MAX = 200
/** Codes are ours, but rows may come from another version. */
const CODES_MAX = 100
const OTHER_CODES = 'other'

interface Counted {
  rows: number
  ids: string[]
  messages: Map<string, number>
}

export class Causes {
  readonly #byCode = new Map<string, Counted>()

  add({ job, result }: ReportRow, outcome: ReportedOutcome): void {
    if (outcome === 'succeeded' || outcome === 'reused') return
    const counted = this.#of(result?.errorCode ?? outcome)
    counted.rows += 1
    if (counted.ids.length < IDS_MAX) counted.ids.push(job.id)
    const message = result?.error ?? ''
    const before = counted.messages.get(message)
    if (message === '' || (before === undefined && counted.messages.size >= MESSAGES_COUNTED_MAX)) {
      return
    }
    counted.messages.set(message, (before ?? 0) + 1)
  }

  /** The commonest first. */
  list(): Cause[] {
    return [...this.#byCode]
      .map(([code, { rows, ids, messages }]) => ({
        code,
        rows,
        ids,
        messages: commonest(messages),
        help: helpFor(code),
      }))
      .toSorted((a, b) => b.rows - a.rows)
  }

  #of(code: string): Counted {
    const known = this.#byCode.get(code)
    if (known !== undefined) return known
    if (this.#byCode.size >= CODES_MAX && code !== OTHER_CODES) return this.#of(OTHER_CODES)
    const counted: Counted = { rows: 0, ids: [], messages: new Map() }
    this.#byCode.set(code, counted)
    return counted
  }
}

function commonest(messages: ReadonlyMap<string, number>): Cause['messages'] {
  return [...messages]
    .map(([text, rows]) => ({ text, rows }))
    .toSorted((a, b) => b.rows - a.rows)
    .slice(0, MESSAGES_MAX)
}

function helpFor(code: string): string {
  if (code === 'cancelled') {
    return 'the run was cancelled before these rows were rendered: run the same command again'
  }
  if (code === 'left') return 'the run was not over when this report was written'
  return whatHelps(code)
}
