/**
 * The results of a run, sorted into one local file per manifest part: results are stored in the order rows ended,
 * reports want them in the order of the manifest, and a million of them don't fit into memory.
 */
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunId } from '../job.ts'
import type { ManifestPart, RowResult } from '../queue/ledger.ts'
import { jsonLinesOf } from '../storage/json-lines.ts'
import type { Store } from '../storage/store.ts'
import { getResultsPart } from '../storage/stored-run.ts'
import { Breather } from './breather.ts'

/** Held back, so that each bucket is opened seldom; one is open at a time. */
const BUFFERED_CHARS_MAX = 16 * 1024 * 1024

export interface BucketedRun {
  run: RunId
  parts: readonly ManifestPart[]
  /** How many parts of results there are. */
  resultParts: number
}

export class ResultBuckets {
  readonly #parts: readonly ManifestPart[]
  readonly #dir: string
  readonly #buffered = new Map<number, string>()
  #bufferedChars = 0

  private constructor(parts: readonly ManifestPart[], dir: string) {
    this.#parts = parts
    this.#dir = dir
  }

  /** Reads every part of results once. `dir` must be empty, and is the caller's to remove. */
  static async fill(
    { run, parts, resultParts }: BucketedRun,
    { store, dir }: { store: Store; dir: string },
  ): Promise<ResultBuckets> {
    const buckets = new ResultBuckets(parts, dir)
    const breather = new Breather()
    for (let part = 1; part <= resultParts; part++) {
      const { bytes, place } = await getResultsPart(run, part, store)
      if (bytes === undefined) {
        throw new Error(`${place} is missing: the results of ${run} are not whole`)
      }
      for (const line of jsonLinesOf(bytes, place)) {
        buckets.#put(line as RowResult, place)
        if (breather.isDue) await breather.breathe()
      }
      if (buckets.#bufferedChars > BUFFERED_CHARS_MAX) await buckets.#flush()
    }
    await buckets.#flush()
    return buckets
  }

  /** Of the manifest part with this index, by row. Should a row have two results, the first stands, as it does in the ledger. */
  async read(part: number): Promise<ReadonlyMap<number, RowResult>> {
    const file = this.#fileOf(part)
    const results = new Map<number, RowResult>()
    const breather = new Breather()
    for (const line of jsonLinesOf(await readOrNothing(file), file)) {
      const result = line as RowResult
      if (!results.has(result.row)) results.set(result.row, result)
      if (breather.isDue) await breather.breathe()
    }
    return results
  }

  #put(result: RowResult, place: string): void {
    const bucket = this.#bucketOf(result.row)
    if (bucket === undefined) {
      throw new Error(
        `${place} has a result of row ${result.row}, which the manifest does not have`,
      )
    }
    const line = `${JSON.stringify(result)}\n`
    this.#buffered.set(bucket, (this.#buffered.get(bucket) ?? '') + line)
    this.#bufferedChars += line.length
  }

  /** Parts are in order and without gaps. */
  #bucketOf(row: number): number | undefined {
    let [low, high] = [0, this.#parts.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const { firstRow, rowCount } = this.#parts[middle] as ManifestPart
      if (row >= firstRow && row < firstRow + rowCount) return middle
      if (row < firstRow) high = middle - 1
      else low = middle + 1
    }
    return undefined
  }

  async #flush(): Promise<void> {
    for (const [bucket, text] of this.#buffered) await appendFile(this.#fileOf(bucket), text)
    this.#buffered.clear()
    this.#bufferedChars = 0
  }

  #fileOf(bucket: number): string {
    return join(this.#dir, `results-${String(bucket + 1).padStart(5, '0')}.jsonl`)
  }
}

/** A part none of whose rows has ended has no file. */
async function readOrNothing(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
