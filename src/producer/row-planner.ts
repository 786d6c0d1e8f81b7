/**
 * One row of a manifest becomes one RenderJob, or problems. Everything that can be known without the
 * network is checked here, so that a job on the queue only fails for what nobody could know before.
 */
import type { ServerKind } from '../images-api/rules.ts'
import { fingerprintOf, RenderJob, type RunId } from '../job.ts'
import { sanitizeKey } from '../storage/keys.ts'
import { CellFiller, type CellPlace } from './cell-filler.ts'
import { quoted, textOf } from './cell-values.ts'
import type { Column } from './columns.ts'
import type { Findings } from './findings.ts'
import { FirstLines } from './first-lines.ts'
import type { InputPictures } from './input-pictures.ts'
import type { ManifestRow } from './manifest-row.ts'
import { CellSorter, type RowCells } from './row-cells.ts'
import { RowPictureFinder } from './row-pictures.ts'
import { RequestMaker, type RowValues } from './row-request.ts'
import { RowVariables } from './row-variables.ts'

const ID_CHARS_MAX = 512
const NO_ID =
  'a row without an id goes by its number, which changes when rows are added or moved: an id column is better'

export interface RowPlannerOptions {
  run: RunId
  manifestName: string
  /** Fills the columns that a row lacks. */
  set: Readonly<Record<string, string>>
  /** Template of the object key, for rows without a `name`. */
  name: string
  existing: RenderJob['existing']
  server: ServerKind
  today: Date
}

export class RowPlanner {
  readonly #options: RowPlannerOptions
  readonly #findings: Findings
  readonly #sorter: CellSorter
  readonly #filler: CellFiller
  readonly #pictures: RowPictureFinder
  readonly #requests: RequestMaker
  readonly #lineOfId = new FirstLines()
  readonly #lineOfKey = new FirstLines()

  constructor(options: RowPlannerOptions, pictures: InputPictures, findings: Findings) {
    this.#options = options
    this.#findings = findings
    this.#sorter = new CellSorter(options.set, findings)
    this.#filler = new CellFiller(findings)
    this.#pictures = new RowPictureFinder(pictures, findings)
    this.#requests = new RequestMaker(options, findings)
  }

  /** `ordinal` is zero-based. Undefined after reporting why there is no job. */
  async plan(manifestRow: ManifestRow, ordinal: number): Promise<RenderJob | undefined> {
    const problemsBefore = this.#findings.problemCount
    const isGood = () => this.#findings.problemCount === problemsBefore
    const cells = this.#sorter.sort(manifestRow)
    const { line } = cells
    const id = this.#idOf(cells, ordinal)
    const { values, failed } = this.#valuesOf(cells, id)
    const { images, imageCount, mask } = await this.#pictures.find(line, values)
    const made = this.#requests.make({ cells, values, failed, imageCount })
    if (made === undefined) return undefined
    const key = this.#keyOf(cells, { ...made.request, operation: made.operation, id })
    if (key === undefined) return undefined
    // Only now is `n` sure to be small: every picture has a name to look up.
    const taken = isGood() ? this.#takenSince(key, made.request.n, line) : undefined
    if (taken !== undefined) this.#report(line, 'name', taken)
    if (!isGood()) return undefined
    const work = { id, ...made, images, ...(mask !== undefined && { mask }) }
    const { run, existing } = this.#options
    const fingerprint = fingerprintOf(work)
    return this.#parsed(
      { version: 1, run, row: ordinal, ...work, fingerprint, key, existing },
      line,
    )
  }

  /** Falls back to the row's number after reporting, so that the rest of the row is checked too. */
  #idOf(cells: RowCells, ordinal: number): string {
    const { line } = cells
    const number = String(ordinal + 1)
    const given = cells.given.get('id')
    if (given === undefined) this.#findings.warn(NO_ID, line)
    const variables = this.#variablesOf(cells, {})
    const id = this.#textOf(given ?? number, { line, column: 'id', variables })?.trim()
    if (id === undefined) return number
    const firstLine = this.#lineOfId.add(id, line)
    const problem = firstLine === undefined ? idProblem(id) : `is also the id of line ${firstLine}`
    if (problem !== undefined) this.#report(line, 'id', `${quoted(id)}: ${problem}`)
    return id
  }

  /** All but the id, which their templates may name, and the name, whose template may name them all. */
  #valuesOf(cells: RowCells, id: string): { values: RowValues; failed: ReadonlySet<Column> } {
    const values = new Map<Column, unknown>()
    const failed = new Set<Column>()
    const variables = this.#variablesOf(cells, { id })
    for (const [column, cell] of cells.given) {
      if (column === 'id' || column === 'name') continue
      const filled = this.#filler.fill(cell, { line: cells.line, column, variables })
      if (filled.kind === 'value') values.set(column, filled.value)
      else if (filled.kind === 'failed') failed.add(column)
    }
    return { values, failed }
  }

  #keyOf(cells: RowCells, decided: Readonly<Record<string, unknown>>): string | undefined {
    const template = cells.given.get('name') ?? this.#options.name
    const variables = this.#variablesOf(cells, decided)
    const name = this.#textOf(template, { line: cells.line, column: 'name', variables })
    return name === undefined ? undefined : sanitizeKey(name)
  }

  /** The text of a cell that must have one; undefined after reporting that it has not. */
  #textOf(cell: unknown, place: CellPlace): string | undefined {
    const filled = this.#filler.fill(cell, place)
    if (filled.kind === 'failed') return undefined
    const text = filled.kind === 'value' ? textOf(filled.value) : undefined
    if (text === undefined) {
      const problem = filled.kind === 'blank' ? 'comes out empty' : 'must be a text'
      this.#report(place.line, place.column, `${quoted(cell)}: ${problem}`)
    }
    return text
  }

  /** Says which earlier row has one of these object names; case aside, as some file systems see them. */
  #takenSince(key: string, pictureCount: number, line: number): string | undefined {
    const names = pictureCount === 1 ? [key] : [key, ...numbered(key, pictureCount)]
    const lines = names.map((name) => this.#lineOfKey.add(name.toLowerCase(), line))
    const index = lines.findIndex((firstLine) => firstLine !== undefined)
    if (index === -1) return undefined
    return `${quoted(names[index])}: line ${lines[index]} has the same object name`
  }

  #variablesOf(cells: RowCells, decided: Readonly<Record<string, unknown>>): RowVariables {
    return new RowVariables(cells, { ...decided, manifest: this.#options.manifestName })
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

function idProblem(id: string): string | undefined {
  if (id.length > ID_CHARS_MAX) return `is longer than ${ID_CHARS_MAX} characters`
  return /\p{Cc}/u.test(id) ? 'holds a line break or another control character' : undefined
}

/** As the store names the pictures of one row: `sku-1`, `sku-2`, … */
function numbered(key: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${key}-${index + 1}`)
}
