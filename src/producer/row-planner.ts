/**
 * One row of a manifest becomes one RenderJob, or problems. Everything that can be known without the
 * network is checked here, so that a job on the queue only fails for what nobody could know before.
 */
import type { ServerKind } from '../images-api/rules.ts'
import {
  fingerprintOf,
  inputsOf,
  isFetched,
  RenderJob,
  type RowInputs,
  type RunId,
} from '../job.ts'
import { sanitizeKey } from '../storage/keys.ts'
import { CellFiller, type CellPlace } from './cell-filler.ts'
import { quoted, textOf } from './cell-values.ts'
import type { ColumnMap } from './column-map.ts'
import type { Column } from './columns.ts'
import type { Findings } from './findings.ts'
import { FirstLines } from './first-lines.ts'
import type { InputPictures } from './input-pictures.ts'
import type { ManifestRow } from './manifest-row.ts'
import type { RowValues } from './request-subject.ts'
import { CellSorter, placeOf, type RowCells } from './row-cells.ts'
import { RowPictureFinder } from './row-pictures.ts'
import { RequestMaker } from './row-request.ts'
import { RowVariables } from './row-variables.ts'

const ID_CHARS_MAX = 512
const NO_ID =
  'a row without an id goes by its number, which changes when rows are added or moved: an id column is better'
const UNSEEN_INPUT =
  '--check-inputs: an image_url is fetched by the API itself, so its bytes are not compared'

export interface RowPlannerOptions {
  run: RunId
  manifestName: string
  /** Fills the columns that a row lacks. */
  set: Readonly<Record<string, string>>
  /** What the manifest's own columns stand for. */
  map: ColumnMap
  /** Template of the object key, for rows without a `name`. */
  name: string
  existing: RenderJob['existing']
  /** Of the rows that ask for partial pictures. */
  keepPartials: boolean
  /** Render rows even though their records are there. */
  force: boolean
  /** Compare what lies behind URLs with what recorded rows were made of. */
  checkInputs: boolean
  server: ServerKind
  today: Date
}

export class RowPlanner {
  readonly #options: RowPlannerOptions
  readonly #ofManifest: { manifest: string }
  readonly #findings: Findings
  readonly #sorter: CellSorter
  readonly #filler: CellFiller
  readonly #pictures: RowPictureFinder
  readonly #requests: RequestMaker
  readonly #lineOfId = new FirstLines()
  readonly #lineOfKey = new FirstLines()

  constructor(options: RowPlannerOptions, pictures: InputPictures, findings: Findings) {
    this.#options = options
    this.#ofManifest = { manifest: options.manifestName }
    this.#findings = findings
    this.#sorter = new CellSorter(options, findings)
    this.#filler = new CellFiller(findings)
    this.#pictures = new RowPictureFinder(pictures, findings)
    this.#requests = new RequestMaker(options, findings)
  }

  /**
   * `number` is the row's in the manifest, one-based; `row` its zero-based place among those of the run. Undefined
   * after reporting why there is no job.
   */
  async plan(
    manifestRow: ManifestRow,
    { number, row }: { number: number; row: number },
  ): Promise<RenderJob | undefined> {
    const problemsBefore = this.#findings.problemCount
    const isGood = () => this.#findings.problemCount === problemsBefore
    const cells = this.#sorter.sort(manifestRow)
    const { line } = cells
    const id = this.#idOf(cells, String(number))
    const { values, failed } = this.#valuesOf(cells, id)
    const { context, ...pictures } = await this.#pictures.find(line, values)
    const made = this.#requests.make({ cells, values, failed, pictures: context })
    if (made === undefined) return undefined
    const key = this.#keyOf(cells, [{ id, operation: made.operation }, made.request])
    if (key === undefined) return undefined
    // Only now is `n` sure to be small: every picture has a name to look up.
    const taken = isGood() ? this.#takenSince(key, made.request, line) : undefined
    if (taken !== undefined) this.#report(line, 'name', taken)
    if (!isGood()) return undefined
    const work = { id, ...made, ...pictures }
    const { run, existing } = this.#options
    const fingerprint = fingerprintOf(work)
    const keepsPartials = this.#options.keepPartials && (made.request.partial_images ?? 0) > 0
    const flags = {
      ...(this.#options.force && { force: true }),
      ...(this.#checksInputs(pictures, line) && { checkInputs: true }),
      ...(keepsPartials && { keepPartials: true }),
    }
    const job = { version: 1, run, row, ...work, fingerprint, key, existing, ...flags }
    return this.#parsed(job, line)
  }

  #checksInputs(pictures: RowInputs, line: number): boolean {
    if (!this.#options.checkInputs) return false
    const inputs = inputsOf(pictures)
    if (inputs.some(({ kind }) => kind === 'image-url')) this.#findings.warn(UNSEEN_INPUT, line)
    return inputs.some(isFetched)
  }

  /** Once all rows have been planned. */
  warnOfIdleFlags(): void {
    this.#sorter.warnOfIdle()
  }

  /** Falls back to the row's number after reporting, so that the rest of the row is checked too. */
  #idOf(cells: RowCells, number: string): string {
    const { line } = cells
    const given = cells.given.get('id')
    if (given === undefined) this.#findings.warn(NO_ID, line)
    const variables = this.#variablesOf(cells)
    const place = placeOf('id', cells)
    const id = this.#textOf(given ?? number, { place, variables })?.trim()
    if (id === undefined) return number
    const firstLine = this.#lineOfId.add(id, line)
    const problem = firstLine === undefined ? idProblem(id) : `is also the id of line ${firstLine}`
    if (problem !== undefined) {
      this.#findings.problem({ ...place, message: `${quoted(id)}: ${problem}` })
    }
    return id
  }

  /** All but the id, which their templates may name, and the name, whose template may name them all. */
  #valuesOf(cells: RowCells, id: string): { values: RowValues; failed: ReadonlySet<Column> } {
    const values = new Map<Column, unknown>()
    const failed = new Set<Column>()
    const variables = this.#variablesOf(cells, { id })
    for (const [column, cell] of cells.given) {
      if (column === 'id' || column === 'name') continue
      const filled = this.#filler.fill(cell, { place: placeOf(column, cells), variables })
      if (filled.kind === 'value') values.set(column, filled.value)
      else if (filled.kind === 'failed') failed.add(column)
    }
    return { values, failed }
  }

  #keyOf(cells: RowCells, decided: readonly object[]): string | undefined {
    const given = cells.given.get('name')
    const variables = this.#variablesOf(cells, ...decided)
    const place =
      given === undefined ? { file: '--name', line: cells.line } : placeOf('name', cells)
    const name = this.#textOf(given ?? this.#options.name, { place, variables })
    return name === undefined ? undefined : sanitizeKey(name)
  }

  /** The text of a cell that must have one; undefined after reporting that it has not. */
  #textOf(cell: unknown, at: CellPlace): string | undefined {
    const filled = this.#filler.fill(cell, at)
    if (filled.kind === 'failed') return undefined
    const text = filled.kind === 'value' ? textOf(filled.value) : undefined
    if (text === undefined) {
      const problem = filled.kind === 'blank' ? 'comes out empty' : 'must be a text'
      this.#findings.problem({ ...at.place, message: `${quoted(cell)}: ${problem}` })
    }
    return text
  }

  /** Says which earlier row has one of these object names; case aside, as some file systems see them. */
  #takenSince(key: string, request: RenderJob['request'], line: number): string | undefined {
    const { n, partial_images: partials = 0 } = request
    if (n === 1 && partials === 0) {
      const firstLine = this.#lineOfKey.add(key.toLowerCase(), line)
      return firstLine === undefined ? undefined : sameName(key, firstLine)
    }
    const previewCount = this.#options.keepPartials ? n * partials : 0
    const names = [
      key,
      ...(n === 1 ? [] : numbered(`${key}-`, n)),
      ...numbered(`${key}.partial-`, previewCount),
    ]
    const lines = names.map((name) => this.#lineOfKey.add(name.toLowerCase(), line))
    const index = lines.findIndex((firstLine) => firstLine !== undefined)
    if (index === -1) return undefined
    return sameName(names[index], lines[index])
  }

  #variablesOf(cells: RowCells, ...decided: readonly object[]): RowVariables {
    return new RowVariables(cells, this.#ofManifest, ...decided)
  }

  /** The last gate: what passes here is what every worker will accept. */
  #parsed(job: unknown, line: number): RenderJob | undefined {
    const parsed = RenderJob.safeParse(job)
    if (parsed.success) return parsed.data
    for (const { path, message } of parsed.error.issues) {
      this.#report(line, path.filter((part) => part !== 'request').join('.'), message)
    }
    return undefined
  }

  #report(line: number, column: string, message: string): void {
    this.#findings.problem({ line, column, message })
  }
}

const sameName = (name: string | undefined, line: number | undefined): string =>
  `${quoted(name)}: line ${line} has the same object name`

function idProblem(id: string): string | undefined {
  if (id.length > ID_CHARS_MAX) return `is longer than ${ID_CHARS_MAX} characters`
  return /\p{Cc}/u.test(id) ? 'holds a line break or another control character' : undefined
}

/** As the store names the pictures of one row: `sku-1`, `sku-2`, … */
function numbered(stem: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${stem}${index + 1}`)
}
