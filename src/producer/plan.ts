/**
 * Reads a whole manifest and gives back either everything wrong with it or the work it means: jobs in
 * files, input pictures by digest, counts, about the cost, and a digest of it all. Sends nothing and writes only under
 * `workDir`. Memory: a row, a buffer of jobs, 24 to 48 bytes per row against duplicates, and the facts of
 * local pictures.
 */
import { mkdir } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import type { ServerKind } from '../images-api/rules.ts'
import type { RenderJob, RunId } from '../job.ts'
import { sanitizeKey } from '../storage/keys.ts'
import { Findings } from './findings.ts'
import { InputPictures, type LocalPicture } from './input-pictures.ts'
import type { ByteSource } from './manifest-bytes.ts'
import { readManifest } from './manifest-reader.ts'
import type { ManifestRow } from './manifest-row.ts'
import { PlanParts, ROWS_PER_PART, type PlanPart } from './plan-parts.ts'
import { RowPicker, type PickOptions } from './row-picker.ts'
import { RowPlanner } from './row-planner.ts'
import { RunTally, type RunTotals } from './run-tally.ts'

const NAME_BY_DEFAULT = '{{ manifest }}/{{ id }}'
const NO_CHECKS =
  '--check-inputs: no row has an input picture behind a URL or in a bucket, so there is nothing to compare'
const FIRST_JOBS_MAX = 2
const NO_PARTIALS = '--keep-partials: no row asks for partial_images, so there are none to keep'

export interface PlanOptions extends PickOptions {
  /** A path, or `-` for standard input. */
  manifest: string
  run: RunId
  /** The prompt of rows that have none. */
  prompt?: string
  /** Columns by name, for rows that lack them. */
  set?: Readonly<Record<string, string>>
  /** Template of the object key, for rows without a `name`. */
  name?: string
  existing: RenderJob['existing']
  /** Store the partial pictures of streams beside the results. */
  keepPartials?: boolean
  /** Render rows even though their records are there. */
  force?: boolean
  /** Compare what lies behind URLs with what recorded rows were made of. */
  checkInputs?: boolean
  server: ServerKind
  today: Date
  /** Made when absent. The parts lie here until the plan is disposed. */
  workDir: string
  rowsPerPart?: number
  /** Folders beside the manifest's own whose pictures may be read. */
  imageRoots?: readonly string[]
  /** What `-` reads. */
  stdin?: ByteSource
}

export interface Plan extends RunTotals, AsyncDisposable {
  run: RunId
  /** Base name without extension, fit for object keys; `stdin` for `-`. */
  manifestName: string
  manifestSha256: string
  /** The manifest's own column names, in its order, as far as they are few enough to list. */
  columns: readonly string[]
  /** For a person: few, each with how often and where first. */
  warnings: string[]
  parts: readonly PlanPart[]
  /** Local pictures, once per content. Their files may change: whoever uploads compares the digest. */
  inputs: readonly Pick<LocalPicture, 'key' | 'file' | 'sha256' | 'mediaType' | 'byteCount'>[]
}

export interface ManifestPlan extends Plan {
  /** To be shown, so that a person sees what a template has come to. */
  firstJobs: readonly RenderJob[]
}

/** Throws ManifestError with every problem of the manifest (the list is bounded, the count exact). */
export async function planManifest(options: PlanOptions): Promise<ManifestPlan> {
  await mkdir(options.workDir, { recursive: true })
  const parts = new PlanParts(options.workDir, options.rowsPerPart ?? ROWS_PER_PART)
  const remove = async () => await parts.remove()
  try {
    return { ...(await planInto(parts, options)), [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

async function planInto(
  parts: PlanParts,
  options: PlanOptions,
): Promise<Omit<ManifestPlan, keyof AsyncDisposable>> {
  const { manifest } = options
  const isStdin = manifest === '-'
  const manifestName = isStdin ? 'stdin' : sanitizeKey(basename(manifest, extname(manifest)))
  const findings = new Findings(isStdin ? 'stdin' : manifest)
  const baseDir = isStdin ? resolve('.') : dirname(resolve(manifest))
  const pictures = new InputPictures(baseDir, [baseDir, ...(options.imageRoots ?? [])])
  const set = setOf(options)
  const picker = new RowPicker(options, { manifestName, set }, findings)
  const settings = { ...plannerOptions(options), manifestName, set, map: picker.map }
  const planner = new RowPlanner(settings, pictures, findings)
  const tally = new RunTally((input) => pictures.sizeOf(input))
  const source = options.stdin === undefined ? {} : { stdin: options.stdin }
  const { rows, sha256 } = readManifest(manifest, findings, source)
  const firstJobs: RenderJob[] = []
  let row = 0
  for await (const picked of picker.pick(rows)) {
    const job = await planner.plan(picked.row, { number: picked.number, row })
    row += 1
    // Once anything is wrong, the rest is only checked.
    if (job === undefined || findings.problemCount > 0) continue
    tally.add(job)
    if (firstJobs.length < FIRST_JOBS_MAX) firstJobs.push(job)
    const { line } = picked.row
    await parts.add({ job, line, columns: writtenColumns(picked.row) })
  }
  findings.throwIfProblems()
  planner.warnOfIdleFlags()
  if (options.keepPartials === true && tally.keptPartialsCount === 0) findings.warn(NO_PARTIALS)
  if (options.checkInputs === true && tally.checkedInputsCount === 0) findings.warn(NO_CHECKS)
  return {
    run: options.run,
    manifestName,
    manifestSha256: sha256(),
    columns: picker.columns,
    ...tally.totals(),
    warnings: findings.warnings,
    firstJobs,
    parts: await parts.finish(),
    inputs: pictures.locals,
  }
}

const setOf = ({ set, prompt }: PlanOptions) => ({
  ...set,
  ...(prompt !== undefined && { prompt }),
})

function plannerOptions(options: PlanOptions) {
  const { run, existing, server, today } = options
  const { keepPartials = false, force = false, checkInputs = false } = options
  const { name = NAME_BY_DEFAULT } = options
  return { run, existing, keepPartials, force, checkInputs, server, today, name }
}

function writtenColumns({ values, asWritten = values }: ManifestRow): Record<string, unknown> {
  const columns: Record<string, unknown> = {}
  for (const [name, value] of asWritten) columns[name] = value
  return columns
}
