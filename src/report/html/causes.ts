/** Why rows ended without a picture: counted by error code, with the first ids and messages of each. */
import type { RowResult } from '../../row-result.ts'
import { whatHelps } from '../../what-helps.ts'
import type { ReportRow } from '../report-row.ts'
import { sayingOf } from '../saying.ts'
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
  messages: Messages
}

/** By what they say; the first of each as it was written. */
type Messages = Map<string, Cause['messages'][number]>

export class Causes {
  readonly #byCode = new Map<string, Counted>()

  add({ job, result }: ReportRow, outcome: ReportedOutcome): void {
    if (outcome === 'succeeded' || outcome === 'reused') return
    const counted = this.#of(result?.errorCode ?? outcome)
    counted.rows += 1
    if (counted.ids.length < IDS_MAX) counted.ids.push(job.id)
    if (result !== undefined) addMessage(counted.messages, result)
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

function addMessage(messages: Messages, result: RowResult): void {
  const { error } = result
  if (error === null || error === '') return
  const saying = sayingOf(result)
  const known = messages.get(saying)
  if (known === undefined) {
    if (messages.size < MESSAGES_COUNTED_MAX) messages.set(saying, { text: error, rows: 1 })
    return
  }
  known.rows += 1
  if (known.text !== error) known.text = saying
}

const commonest = (messages: Messages): Cause['messages'] =>
  [...messages.values()].toSorted((a, b) => b.rows - a.rows).slice(0, MESSAGES_MAX)

function helpFor(code: string): string {
  if (code === 'cancelled') {
    return 'the run was cancelled before these rows were rendered: run the same command again'
  }
  if (code === 'left') return 'the run was not over when this report was written'
  return whatHelps(code)
}
