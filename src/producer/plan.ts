/**
 * Reads a whole manifest and gives back either everything wrong with it or the work it means: jobs in
 * files, input pictures by digest, counts, and a digest of it all. Sends nothing and writes only under
 * `workDir`. Memory: a row, a buffer of jobs, 24 to 48 bytes per row against duplicates, and the facts of
 * local pictures.
 */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, extname, resolve } from 'node:path'
import type { ServerKind } from '../images-api/rules.ts'
import type { Operation, RenderJob, RunId } from '../job.ts'
import { sanitizeKey } from '../storage/keys.ts'
import { Findings } from './findings.ts'
import { InputPictures, type LocalPicture } from './input-pictures.ts'
import type { ByteSource } from './manifest-bytes.ts'
import { readManifest } from './manifest-reader.ts'
import { PlanParts, type PlanPart } from './plan-parts.ts'
import { RowPlanner } from './row-planner.ts'

const NAME_BY_DEFAULT = '{{ manifest }}/{{ id }}'
const ROWS_PER_PART = 5_000

export interface PlanOptions {
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

export interface Plan extends AsyncDisposable {
  run: RunId
  /** Base name without extension, fit for object keys; `stdin` for `-`. */
  manifestName: string
  rowCount: number
  pictureCount: number
  byOperation: Record<Operation, number>
  manifestSha256: string
  /** sha256 over every job's fingerprint, key and policy, in order: equal digests are the same work. */
  digest: string
  /** For a person: few, each with how often and where first. */
  warnings: string[]
  parts: readonly PlanPart[]
  /** Local pictures, once per content. Their files may change: whoever uploads compares the digest. */
  inputs: readonly Pick<LocalPicture, 'key' | 'file' | 'sha256' | 'mediaType' | 'byteCount'>[]
}

/** Throws ManifestError with every problem of the manifest (the list is bounded, the count exact). */
export async function planManifest(options: PlanOptions): Promise<Plan> {
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
): Promise<Omit<Plan, keyof AsyncDisposable>> {
  const { manifest } = options
  const isStdin = manifest === '-'
  const manifestName = isStdin ? 'stdin' : sanitizeKey(basename(manifest, extname(manifest)))
  const findings = new Findings(isStdin ? 'stdin' : manifest)
  const baseDir = isStdin ? resolve('.') : dirname(resolve(manifest))
  const pictures = new InputPictures(baseDir, [baseDir, ...(options.imageRoots ?? [])])
  const planner = new RowPlanner(plannerOptions(options, manifestName), pictures, findings)
  const tally = new Tally()
  const source = options.stdin === undefined ? {} : { stdin: options.stdin }
  const { rows, sha256 } = readManifest(manifest, findings, source)
  let rowCount = 0
  for await (const row of rows) {
    const job = await planner.plan(row, rowCount)
    rowCount += 1
    // Once anything is wrong, the rest is only checked.
    if (job === undefined || findings.problemCount > 0) continue
    tally.add(job)
    await parts.add(job)
  }
  findings.throwIfProblems()
  return {
    run: options.run,
    manifestName,
    manifestSha256: sha256(),
    ...tally.totals(),
    warnings: findings.warnings,
    parts: await parts.finish(),
    inputs: pictures.locals,
  }
}

function plannerOptions(options: PlanOptions, manifestName: string) {
  const { run, existing, server, today, name = NAME_BY_DEFAULT, prompt } = options
  const set = { ...options.set, ...(prompt !== undefined && { prompt }) }
  return { run, existing, server, today, name, set, manifestName }
}

class Tally {
  readonly #digest = createHash('sha256')
  readonly #byOperation: Record<Operation, number> = { generate: 0, edit: 0, variation: 0 }
  #rowCount = 0
  #pictureCount = 0

  add({ fingerprint, key, existing, operation, request }: RenderJob): void {
    this.#digest.update(`${fingerprint}\t${key}\t${existing}\n`)
    this.#byOperation[operation] += 1
    this.#rowCount += 1
    this.#pictureCount += request.n
  }

  totals(): Pick<Plan, 'rowCount' | 'pictureCount' | 'byOperation' | 'digest'> {
    return {
      rowCount: this.#rowCount,
      pictureCount: this.#pictureCount,
      byOperation: this.#byOperation,
      digest: this.#digest.digest('hex'),
    }
  }
}
