/**
 * The rows of a run in the order of its manifest, each with its result. Results were stored in the order rows ended,
 * so they are dealt into one local file for each part of the manifest first: memory holds one part, however many
 * there are.
 */
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PlannedRow, RenderJob, type RunId } from '../job.ts'
import type { ManifestPart, RowResult } from '../queue/ledger.ts'
import { manifestPartKey, resultsPartKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import type { ReportRow } from './report-row.ts'

/** Some thousand rows with prompts of 32,000 characters at worst. */
const PART_BYTES_MAX = 512 * 1024 * 1024

export interface RunRowsOptions {
  run: RunId
  parts: readonly ManifestPart[]
  resultParts: number
  /** Every row must have a result. False for a run that was cancelled. */
  isWhole: boolean
  store: Store
  /** A folder of one's own; left empty. */
  workDir: string
}

/** May be begun again. Throws when a part or a result is missing. */
export async function* runRows(options: RunRowsOptions): AsyncGenerator<ReportRow> {
  const dealt = await dealResults(options)
  try {
    for (const [index] of options.parts.entries()) {
      yield* partRows(index, await dealt.take(index), options)
    }
  } finally {
    await dealt.remove()
  }
}

async function* partRows(
  index: number,
  results: ReadonlyMap<number, RowResult>,
  { run, store, isWhole }: RunRowsOptions,
): AsyncGenerator<ReportRow> {
  for (const line of linesOf(await readPart(manifestPartKey(run, index + 1), store))) {
    const planned = plannedRowOf(JSON.parse(line))
    const result = results.get(planned.job.row)
    if (result === undefined && isWhole) throw notWhole(run, planned.job)
    const locations = (result?.keys ?? []).map((key) => store.locationOf(key))
    yield { ...planned, result, locations }
  }
}

function notWhole(run: RunId, { row, id }: RenderJob): Error {
  return new Error(`${run} has no result for row ${row + 1} (${id}): its results are not whole`)
}

/** Parts written by an earlier version hold bare jobs. */
function plannedRowOf(line: unknown): PlannedRow {
  const row = PlannedRow.safeParse(line)
  return row.success ? row.data : { job: RenderJob.parse(line), columns: {} }
}

interface Dealt {
  /** By row. */
  take(part: number): Promise<ReadonlyMap<number, RowResult>>
  remove(): Promise<void>
}

async function dealResults({
  run,
  parts,
  resultParts,
  store,
  workDir,
}: RunRowsOptions): Promise<Dealt> {
  const dir = join(workDir, 'dealt')
  const fileOf = (part: number) => join(dir, `${part}.jsonl`)
  const remove = () => rm(dir, { recursive: true, force: true })
  await remove()
  await mkdir(dir, { recursive: true })
  for (let part = 1; part <= resultParts; part++) {
    const bytes = await readPart(resultsPartKey(run, part), store)
    for (const [target, lines] of byManifestPart(linesOf(bytes), parts)) {
      await appendFile(fileOf(target), lines.join(''))
    }
  }
  return {
    async take(part) {
      const text = await readFile(fileOf(part), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return ''
        throw error
      })
      const results = linesOf(text).map((line) => JSON.parse(line) as RowResult)
      return new Map(results.map((result) => [result.row, result]))
    },
    remove,
  }
}

function byManifestPart(
  lines: readonly string[],
  parts: readonly ManifestPart[],
): ReadonlyMap<number, string[]> {
  const dealt = new Map<number, string[]>()
  for (const line of lines) {
    const { row } = JSON.parse(line) as RowResult
    const part = parts.findIndex(({ firstRow, rowCount }) => row < firstRow + rowCount)
    const pile = dealt.get(part)
    if (pile === undefined) dealt.set(part, [`${line}\n`])
    else pile.push(`${line}\n`)
  }
  return dealt
}

async function readPart(key: string, store: Store): Promise<string> {
  const bytes = await store.get(key, { bytesMax: PART_BYTES_MAX })
  if (bytes === undefined) throw new Error(`${store.locationOf(key)} is missing`)
  return bytes.toString('utf8')
}

const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '')
