/**
 * What the results of a run say beyond its counts: above all why rows failed. Folded part by part, so that memory
 * does not grow with the run.
 */
import { messageOf } from '../errors.ts'
import type { Ledger, RowResult, RunBooks } from '../queue/ledger.ts'
import { countReason, noReasons, type ReasonCounts } from '../reason.ts'
import { resultsPartKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { readResultsPart } from '../storage/stored-run.ts'
import { whatHelps } from '../what-helps.ts'
import { sayingOf } from './saying.ts'

/** All rows that ended for one cause. */
export interface FailureGroup {
  code: string
  rows: number
  /** Of the first few rows. */
  ids: string[]
  /** Of the first row. */
  message: string
  /** Whether the others say the same, request ids aside. */
  isSameMessage: boolean
  /** What a person should do: once for all of them. */
  help: string
}

export interface RowResults {
  /** The commonest cause first. */
  failures: FailureGroup[]
  /** Why rows were rendered, or not. */
  reasons: ReasonCounts
  /** Rows that succeeded at an unknown cost. */
  unpricedRows: number
  /** The deepest folder that holds every picture; with names of one's own that may be the whole store. */
  folder: string
  /** Some results are left out: there are too many, or they can't be read for this reason. */
  leftOut?: string
}

/** A part holds a thousand rows; beyond so many the results file itself is the better answer. */
const PARTS_READ_MAX = 200
const UNCOLLECTED_MAX = 5_000
const IDS_MAX = 5

/** Never rejects for what can't be read: the counts of the run stand without it. */
export async function readRowResults(
  { run, resultParts }: Pick<RunBooks, 'run' | 'resultParts'>,
  { ledger, store }: { ledger: Ledger; store: Store },
): Promise<RowResults> {
  const fold = new ResultsFold()
  const partsRead = Math.min(resultParts, PARTS_READ_MAX)
  try {
    for (let part = 1; part <= partsRead; part++) {
      const results = await readResultsPart(run, part, store)
      if (results === undefined) {
        throw new Error(`${store.locationOf(resultsPartKey(run, part))} is missing`)
      }
      fold.add(results)
    }
    fold.add(await ledger.uncollected(run, UNCOLLECTED_MAX))
  } catch (error) {
    return { ...fold.results(), leftOut: messageOf(error) }
  }
  const isWhole = partsRead === resultParts
  return { ...fold.results(), ...(isWhole ? {} : { leftOut: 'there are too many' }) }
}

class ResultsFold {
  #groups = new Map<string, { group: FailureGroup; saying: string }>()
  readonly #reasons = noReasons()
  #unpricedRows = 0
  #folder: readonly string[] | undefined

  add(results: readonly RowResult[]): void {
    for (const result of results) {
      countReason(this.#reasons, result)
      if (result.errorCode !== null) this.#addFailure(result.errorCode, result)
      if (result.outcome === 'succeeded' && result.costUsd === null) this.#unpricedRows += 1
      for (const key of result.keys) this.#narrow(key.split('/').slice(0, -1))
    }
  }

  results(): RowResults {
    return {
      failures: Array.from(this.#groups.values(), ({ group }) => group).toSorted(
        (a, b) => b.rows - a.rows,
      ),
      reasons: this.#reasons,
      unpricedRows: this.#unpricedRows,
      folder: (this.#folder ?? []).join('/'),
    }
  }

  #addFailure(code: string, result: RowResult): void {
    const { id, error } = result
    const saying = sayingOf(result)
    const known = this.#groups.get(code)
    if (known === undefined) {
      const group = { code, rows: 1, ids: [id], message: error ?? '', isSameMessage: true }
      this.#groups.set(code, { group: { ...group, help: whatHelps(code) }, saying })
      return
    }
    const { group } = known
    group.rows += 1
    if (group.ids.length < IDS_MAX) group.ids.push(id)
    if (known.saying !== saying) group.isSameMessage = false
  }

  #narrow(folder: readonly string[]): void {
    const shared = this.#folder ?? folder
    const differsAt = shared.findIndex((segment, depth) => folder[depth] !== segment)
    this.#folder = differsAt === -1 ? shared : shared.slice(0, differsAt)
  }
}
