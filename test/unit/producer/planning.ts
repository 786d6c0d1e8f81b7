/** Plans a manifest given as text, in a folder of its own. */
import { readFile, writeFile } from 'node:fs/promises'
import { ManifestError } from '../../../src/errors.ts'
import { PlannedRow, type RenderJob } from '../../../src/job.ts'
import { formatProblem } from '../../../src/producer/format-problems.ts'
import { planManifest, type ManifestPlan, type PlanOptions } from '../../../src/producer/plan.ts'
import { tempDir } from '../../helpers/temp.ts'

export const OPTIONS = {
  run: 'run_0123456789',
  existing: 'replace',
  server: 'other',
  today: new Date('2026-11-21T12:00:00Z'),
} as const

export interface Planned extends Omit<ManifestPlan, keyof AsyncDisposable> {
  jobs: RenderJob[]
  rows: PlannedRow[]
  partTexts: string[]
}

/** The plan and what it wrote; everything is removed again. */
export async function plan(
  text: string,
  options: Partial<PlanOptions> & { fileName?: string } = {},
): Promise<Planned> {
  await using dir = await tempDir()
  const { fileName = 'catalog.csv', ...others } = options
  const manifest = dir.join(fileName)
  await writeFile(manifest, text)
  await using planned = await planManifest({
    ...OPTIONS,
    manifest,
    workDir: dir.join('work'),
    ...others,
  })
  const partTexts = await Promise.all(planned.parts.map(({ file }) => readFile(file, 'utf8')))
  const rows = partTexts.flatMap(plannedRowsIn)
  return { ...planned, jobs: rows.map(({ job }) => job), rows, partTexts }
}

/** Of the text of a part. */
export function plannedRowsIn(part: string): PlannedRow[] {
  return part
    .trimEnd()
    .split('\n')
    .map((line) => PlannedRow.parse(JSON.parse(line)))
}

/** The problems of a manifest that must have some, as a person sees them, without the folder. */
export async function problemsIn(planning: Promise<unknown>): Promise<string[]> {
  try {
    await planning
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    return error.problems.map((problem) => formatProblem(problem).replace(/^\S*\//, ''))
  }
  throw new Error('the manifest was planned without a problem')
}
