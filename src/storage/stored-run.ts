/** What the store holds of runs: their documents, their planned rows and their results, in parts. */
import { PlannedRow, RunId } from '../job.ts'
import type { RowResult } from '../row-result.ts'
import { RunDocument } from '../run-document.ts'
import { jsonLinesOf } from './json-lines.ts'
import { manifestPartKey, resultsPartKey, runKey } from './keys.ts'
import type { Store } from './store.ts'

const DOCUMENT_BYTES_MAX = 64 * 1024 * 1024
/** Thousands of rows of a few kilobytes, prompts up to 32,000 characters at worst. */
const MANIFEST_PART_BYTES_MAX = 512 * 1024 * 1024
/** A thousand lines of some hundred bytes each. */
const RESULTS_PART_BYTES_MAX = 64 * 1024 * 1024

/** Undefined when there is none, or it is of a version that can't be read. */
export async function readDocument(run: string, store: Store): Promise<RunDocument | undefined> {
  if (!RunId.safeParse(run).success) return undefined
  const bytes = await store.get(runKey(run, 'run.json'), { bytesMax: DOCUMENT_BYTES_MAX })
  if (bytes === undefined) return undefined
  try {
    return RunDocument.safeParse(JSON.parse(bytes.toString('utf8'))).data
  } catch {
    return undefined
  }
}

/** In no order of time. S3 lists some thousand keys a second, and a run has ten or more. */
export async function* storedRuns(store: Store, keysMax = Infinity): AsyncGenerator<RunId> {
  let listed = 0
  for await (const { key } of store.list('_runs/')) {
    const [, run] = /^_runs\/([^/]+)\/run\.json$/.exec(key) ?? []
    if (run !== undefined && RunId.safeParse(run).success) yield run
    listed += 1
    if (listed >= keysMax) return
  }
}

/** JSON Lines, and where they are, for messages. */
export interface StoredPart {
  place: string
  /** Undefined: the part is not there. */
  bytes: Buffer | undefined
}

/** `part` is one-based, here and below. */
export const getManifestPart = (run: RunId, part: number, store: Store): Promise<StoredPart> =>
  getPart(manifestPartKey(run, part), MANIFEST_PART_BYTES_MAX, store)

export const getResultsPart = (run: RunId, part: number, store: Store): Promise<StoredPart> =>
  getPart(resultsPartKey(run, part), RESULTS_PART_BYTES_MAX, store)

async function getPart(key: string, bytesMax: number, store: Store): Promise<StoredPart> {
  return { place: store.locationOf(key), bytes: await store.get(key, { bytesMax }) }
}

/** Undefined when the part is not there. */
export async function readResultsPart(
  run: RunId,
  part: number,
  store: Store,
): Promise<RowResult[] | undefined> {
  const { bytes, place } = await getResultsPart(run, part, store)
  return bytes && (Array.from(jsonLinesOf(bytes, place)) as RowResult[])
}

/** One line of a manifest part; those written by an earlier version hold bare jobs. */
export function plannedRowOf(line: unknown, place: string): PlannedRow {
  const isPlanned = typeof line === 'object' && line !== null && 'job' in line
  const parsed = PlannedRow.safeParse(isPlanned ? line : { job: line, columns: {} })
  if (parsed.success) return parsed.data
  throw new Error(`${place} has a line that is no planned row`, { cause: parsed.error })
}
