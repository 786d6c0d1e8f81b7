/** Finds one row of a run in what the store holds of it, without parsing the others. */
import { ConfigError } from '../errors.ts'
import type { PlannedRow } from '../job.ts'
import { nearest } from '../nearest.ts'
import type { Ledger, ManifestPart, RowResult } from '../queue/ledger.ts'
import { runKey } from '../storage/keys.ts'
import {
  getManifestPart,
  getResultsPart,
  plannedRowOf,
  type StoredPart,
} from '../storage/stored-run.ts'
import type { FoundRun } from './find-run.ts'

const UNCOLLECTED_MAX = 5_000
/** Ids that a misspelt one is compared with. */
const IDS_COMPARED_MAX = 20_000

type SearchedRun = Pick<FoundRun, 'run' | 'books' | 'document' | 'store'>

export async function findPlannedRow(
  id: string,
  found: SearchedRun,
): Promise<PlannedRow | undefined> {
  for await (const lines of manifestParts(found)) {
    const row = lines.find(`"id":${JSON.stringify(id)}`, (line, place) => {
      const planned = plannedRowOf(JSON.parse(line), place)
      return planned.job.id === id ? planned : undefined
    })
    if (row !== undefined) return row
  }
  return undefined
}

/** How the row ended, undefined while it has not. */
export async function findResult(
  row: number,
  found: SearchedRun,
  ledger: Ledger,
): Promise<RowResult | undefined> {
  const { run, store } = found
  const isIt = (result: RowResult) => result.row === row
  for (let part = 1; part <= (await resultPartCount(found)); part += 1) {
    const lines = linesIn(await getResultsPart(run, part, store))
    const result = lines.find(`"row":${row},`, (line) => {
      const result = JSON.parse(line) as RowResult
      return isIt(result) ? result : undefined
    })
    if (result !== undefined) return result
  }
  return (await ledger.uncollected(run, UNCOLLECTED_MAX)).find(isIt)
}

/** To be thrown by who looked in vain. */
export async function unknownRow(id: string, found: SearchedRun): Promise<ConfigError> {
  const ids: string[] = []
  for await (const lines of manifestParts(found)) {
    ids.push(...lines.idsUpTo(IDS_COMPARED_MAX - ids.length))
    if (ids.length >= IDS_COMPARED_MAX) break
  }
  const meant = ids.find((known) => known.startsWith(id)) ?? nearest(id, ids)
  const guess =
    meant === undefined ? `its ids begin with ${ids[0] ?? '…'}` : `did you mean ${meant}?`
  return new ConfigError(`${found.run} has no row "${id}": ${guess}`)
}

export async function resultPartCount({ run, books, store }: SearchedRun): Promise<number> {
  if (books !== undefined) return books.resultParts
  let count = 0
  for await (const _ of store.list(runKey(run, 'results/'))) count += 1
  return count
}

async function* manifestParts({ run, books, document, store }: SearchedRun): AsyncGenerator<Lines> {
  const parts: readonly ManifestPart[] = books?.parts ?? document?.parts ?? []
  for (const index of parts.keys()) yield linesIn(await getManifestPart(run, index + 1, store))
}

function linesIn({ bytes, place }: StoredPart): Lines {
  if (bytes === undefined) throw new ConfigError(`${place} is missing`)
  return new Lines(bytes, place)
}

/** JSON Lines as they came: only those that hold the text in question are looked at. */
class Lines {
  readonly #bytes: Buffer
  readonly #place: string

  constructor(bytes: Buffer, place: string) {
    this.#bytes = bytes
    this.#place = place
  }

  find<T>(text: string, read: (line: string, place: string) => T | undefined): T | undefined {
    for (let at = this.#bytes.indexOf(text); at !== -1; at = this.#bytes.indexOf(text, at + 1)) {
      const found = read(this.#lineAround(at), this.#place)
      if (found !== undefined) return found
    }
    return undefined
  }

  idsUpTo(countMax: number): string[] {
    const ids = this.#bytes.toString('utf8').matchAll(/^\{.*?"id":("(?:[^"\\]|\\.)*")/gm)
    return Array.from(ids, ([, id]) => JSON.parse(id ?? '""') as string).slice(0, countMax)
  }

  #lineAround(at: number): string {
    const start = this.#bytes.lastIndexOf('\n', at) + 1
    const end = this.#bytes.indexOf('\n', at)
    return this.#bytes.toString('utf8', start, end === -1 ? this.#bytes.length : end)
  }
}
