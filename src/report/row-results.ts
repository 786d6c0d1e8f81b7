/**
 * What the results of a run say beyond its counts: above all why rows failed. Folded part by part, so that memory
 * does not grow with the run.
 */
import { messageOf } from '../errors.ts'
import type { Ledger, RowResult, RunBooks } from '../queue/ledger.ts'
import { resultsPartKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { readResultsPart } from '../storage/stored-run.ts'
import { whatHelps } from '../what-helps.ts'

/** All rows that ended for one cause. */
export interface FailureGroup {
  code: string
  rows: number
  /** Of the first few rows. */
  ids: string[]
  /** Of the first row. */
  message: string
  isSameMessage: boolean
  /** What a person should do: once for all of them. */
  help: string
}

export interface RowResults {
  /** The commonest cause first. */
  failures: FailureGroup[]
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
  #groups = new Map<string, FailureGroup>()
  #unpricedRows = 0
  #folder: readonly string[] | undefined

  add(results: readonly RowResult[]): void {
    for (const result of results) {
      if (result.errorCode !== null) this.#addFailure(result.errorCode, result)
      if (result.outcome === 'succeeded' && result.costUsd === null) this.#unpricedRows += 1
      for (const key of result.keys) this.#narrow(key.split('/').slice(0, -1))
    }
  }

  results(): RowResults {
    return {
      failures: [...this.#groups.values()].toSorted((a, b) => b.rows - a.rows),
      unpricedRows: this.#unpricedRows,
      folder: (this.#folder ?? []).join('/'),
    }
  }

  #addFailure(code: string, { id, error }: RowResult): void {
    const message = error ?? ''
    const group = this.#groups.get(code)
    if (group === undefined) {
      const help = whatHelps(code)
      this.#groups.set(code, { code, rows: 1, ids: [id], message, isSameMessage: true, help })
      return
    }
    group.rows += 1
    if (group.ids.length < IDS_MAX) group.ids.push(id)
    if (group.message !== message) group.isSameMessage = false
  }

  #narrow(folder: readonly string[]): void {
    const shared = this.#folder ?? folder
    const differsAt = shared.findIndex((segment, depth) => folder[depth] !== segment)
    this.#folder = differsAt === -1 ? shared : shared.slice(0, differsAt)
  }
}
