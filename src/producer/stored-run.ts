/** Reads a run back from the store: its document, its planned rows, its results so far. */
import { ConfigError } from '../errors.ts'
import { PlannedRow, RenderJob, RunId } from '../job.ts'
import type { RowResult } from '../queue/ledger.ts'
import { RunDocument } from '../run-document.ts'
import { manifestPartKey, resultsPartKey, runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

const DOCUMENT_BYTES_MAX = 64 * 1024 * 1024
/** Some thousand rows with prompts of 32,000 characters at worst. */
const PART_BYTES_MAX = 512 * 1024 * 1024

/** Throws ConfigError when the store has no such run, or what is there can't be read. */
export async function readRunDocument(run: string, store: Store): Promise<RunDocument> {
  const id = RunId.safeParse(run)
  const key = runKey(run, 'run.json')
  const bytes = id.success ? await store.get(key, { bytesMax: DOCUMENT_BYTES_MAX }) : undefined
  if (bytes === undefined) {
    throw new ConfigError(`there is no run "${run}" in ${store.url}: "renderq runs" lists them`)
  }
  const parsed = RunDocument.safeParse(parseJson(bytes.toString('utf8')))
  if (parsed.success) return parsed.data
  throw new ConfigError(
    `${store.locationOf(key)} is not the document of a run that this version can go on with`,
  )
}

/** `part` is one-based. */
export async function readPlannedPart(
  run: RunId,
  part: number,
  store: Store,
): Promise<PlannedRow[]> {
  const lines = await readLines(manifestPartKey(run, part), store)
  if (lines === undefined) {
    throw new ConfigError(`${store.locationOf(manifestPartKey(run, part))} is missing`)
  }
  return lines.map(plannedRowOf)
}

/** Parts written by an earlier version hold bare jobs. */
function plannedRowOf(line: unknown): PlannedRow {
  const row = PlannedRow.safeParse(line)
  return row.success ? row.data : { job: RenderJob.parse(line), columns: {} }
}

/** `part` is one-based; undefined when it was not written. */
export async function readResultsPart(
  run: RunId,
  part: number,
  store: Store,
): Promise<RowResult[] | undefined> {
  const lines = await readLines(resultsPartKey(run, part), store)
  return lines?.map((line) => line as RowResult)
}

async function readLines(key: string, store: Store): Promise<unknown[] | undefined> {
  const bytes = await store.get(key, { bytesMax: PART_BYTES_MAX })
  return bytes
    ?.toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
