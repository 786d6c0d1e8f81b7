import {
  checkRequest,
  isForOtherOperation,
  resolveRequest,
  type PictureContext,
  type ServerKind,
} from '../images-api/rules.ts'
import { imageModelOf } from '../images-api/models.ts'
import { OPERATIONS, type ImageRequest, type Operation } from '../job.ts'
import { nearest } from '../nearest.ts'
import { authorOf, flagOf, integerOf, isGiven, quoted, textOf } from './cell-values.ts'
import {
  PARAMETER_KINDS,
  PARAMETERS,
  PICTURE_COLUMNS,
  type Column,
  type ParameterColumn,
  type ParameterKind,
} from './columns.ts'
import type { Finding, Findings } from './findings.ts'
import { nearMissOf, type RowCells } from './row-cells.ts'

/** Cells by column, templates filled. */
export type RowValues = ReadonlyMap<Column, unknown>

export interface RowRequest {
  operation: Operation
  request: ImageRequest
}

export interface RequestSubject {
  cells: RowCells
  values: RowValues
  /** Columns whose templates could not be filled: reported already, and better not called missing. */
  failed: ReadonlySet<Column>
  /** Found or not. */
  pictures: PictureContext
}

/** Of sets of parameters: a catalog has few of them, however many rows. */
const REMEMBERED_MAX = 1_000

interface GoodRequest extends RowRequest {
  warnings: readonly string[]
  promptLengthMax: number
}

/** Turns a row's cells into a request and checks it against what its model takes. */
export class RequestMaker {
  readonly #server: ServerKind
  readonly #today: Date
  readonly #findings: Findings
  readonly #good = new Map<string, GoodRequest>()

  constructor({ server, today }: { server: ServerKind; today: Date }, findings: Findings) {
    this.#server = server
    this.#today = today
    this.#findings = findings
  }

  /**
   * Undefined after reporting a cell that is no value of its column, or an operation there is not. Most rows of a
   * catalog differ in nothing but the prompt: what was found good once is not checked again.
   */
  make(subject: RequestSubject): RowRequest | undefined {
    const sameness = samenessOf(subject)
    const good = sameness === undefined ? undefined : this.#again(sameness, subject)
    return good ?? this.#makeAndCheck(subject, sameness)
  }

  #again(sameness: string, { cells, values }: RequestSubject): RowRequest | undefined {
    const good = this.#good.get(sameness)
    if (good === undefined) return undefined
    const { operation, request, warnings, promptLengthMax } = good
    const prompt = textOf(values.get('prompt'))
    // Checked in full where it is not plainly good.
    const isPlain = prompt === undefined || (prompt.length <= promptLengthMax && isGiven(prompt))
    if (!isPlain) return undefined
    for (const warning of warnings) this.#findings.warn(warning, cells.line)
    return { operation, request: prompt === undefined ? request : { ...request, prompt } }
  }

  #makeAndCheck(subject: RequestSubject, sameness: string | undefined): RowRequest | undefined {
    const { line } = subject.cells
    const problemsBefore = this.#findings.problemCount
    const operation = this.#operationOf(subject)
    const given = this.#parametersOf(subject.values, line)
    if (operation === undefined || given === undefined) return undefined
    const dropped = this.#dropForOthers(given, operation, subject.cells)
    const request = resolveRequest(operation, given)
    const context = { ...subject.pictures, server: this.#server, today: this.#today }
    const check = checkRequest(operation, request, context)
    for (const problem of check.problems) {
      if ((subject.failed as ReadonlySet<string>).has(problem.column)) continue
      this.#findings.problem({ line, ...problem, ...missingPrompt(problem, subject) })
    }
    const warnings = [...dropped, ...check.warnings]
    for (const warning of warnings) this.#findings.warn(warning, line)
    if (sameness !== undefined && this.#findings.problemCount === problemsBefore) {
      this.#remember(sameness, { operation, request, warnings })
    }
    return { operation, request }
  }

  #remember(sameness: string, made: Omit<GoodRequest, 'promptLengthMax'>): void {
    if (this.#good.size >= REMEMBERED_MAX) this.#good.clear()
    const promptLengthMax = imageModelOf(made.request.model)?.promptLengthMax ?? 0
    this.#good.set(sameness, { ...made, promptLengthMax })
  }

  /** What is said for all rows is meant for those that can take it. Returns a warning for each that was dropped. */
  #dropForOthers(
    given: Partial<ImageRequest>,
    operation: Operation,
    cells: RowCells,
  ): readonly string[] {
    const forAll = Object.keys(given).filter((name) => !cells.own.has(name as ParameterColumn))
    if (forAll.length === 0) return []
    const { model } = resolveRequest(operation, given)
    const dropped = (forAll as ParameterColumn[]).filter((name) =>
      isForOtherOperation(name, operation, { model, server: this.#server }),
    )
    for (const name of dropped) delete given[name]
    return dropped.map(
      (name) => `${name} of --set or defaults is left out of ${operation} rows: not taken there`,
    )
  }

  /** Without an operation, a row that names pictures is an edit; a variation has to be asked for. */
  #operationOf({ cells, values, failed }: RequestSubject): Operation | undefined {
    if (failed.has('operation')) return undefined
    const given = values.get('operation')
    const isNamed = (column: Column) => values.has(column) || failed.has(column)
    if (given === undefined) return PICTURE_COLUMNS.some(isNamed) ? 'edit' : 'generate'
    const word = textOf(given)?.trim().toLowerCase()
    const operation = OPERATIONS.find((candidate) => candidate === word)
    if (operation !== undefined) return operation
    const suggestion = word === undefined ? undefined : nearest(word, OPERATIONS)
    this.#findings.problem({
      line: cells.line,
      column: 'operation',
      message: `${quoted(given)}: must be generate, edit or variation`,
      ...(suggestion !== undefined && { suggestion }),
    })
    return undefined
  }

  #parametersOf(values: RowValues, line: number): Partial<ImageRequest> | undefined {
    const given: Record<string, unknown> = {}
    let isGood = true
    for (const column of PARAMETERS) {
      const cell = values.get(column)
      if (cell === undefined) continue
      const value = parameterOf(column, cell)
      if (value === undefined) {
        isGood = false
        const wanted = WANTED[PARAMETER_KINDS[column]]
        this.#findings.problem({ line, column, message: `${quoted(cell)}: must be ${wanted}` })
      } else given[column] = value
    }
    return isGood ? given : undefined
  }
}

/**
 * Equal for rows that differ in nothing but the text of the prompt and which pictures they name; undefined for rows
 * that are not plain enough to tell.
 */
function samenessOf({ cells, values, failed, pictures }: RequestSubject): string | undefined {
  if (failed.size > 0) return undefined
  const { imageCount, hasMask, hasMarkup, references, tooLargeForJson } = pictures
  let text = `${imageCount} ${hasMask} ${hasMarkup} ${references.join()} ${tooLargeForJson.join()}`
  for (const [column, value] of values) {
    if (typeof value === 'object' && !isPictureColumn(column)) return undefined
    const ownMark = cells.own.has(column) ? '=' : '~'
    const isFree = column === 'prompt' || isPictureColumn(column)
    text += `\n${column}${ownMark}${isFree ? '' : JSON.stringify(value)}`
  }
  return text
}

const isPictureColumn = (column: Column): boolean =>
  (PICTURE_COLUMNS as readonly Column[]).includes(column)

const WANTED: Readonly<Record<ParameterKind, string>> = {
  text: 'a text',
  word: 'a text',
  integer: 'a whole number',
  flag: 'true or false',
  author: '{ "model": "…", "reasoning": { "effort": "…" } }, without reasoning if you like',
}

function parameterOf(column: ParameterColumn, cell: unknown): unknown {
  switch (PARAMETER_KINDS[column]) {
    case 'integer':
      return integerOf(cell)
    case 'flag':
      return flagOf(cell)
    case 'author':
      return authorOf(cell)
    case 'word':
      return textOf(cell)?.trim().toLowerCase()
    case 'text':
      return column === 'prompt' ? textOf(cell) : textOf(cell)?.trim()
  }
}

/** A misspelt header is the likeliest reason for a missing prompt, and it is easy to overlook. */
function missingPrompt(
  { column, message }: { column: string; message: string },
  { cells, values }: RequestSubject,
): Partial<Finding> {
  if (column !== 'prompt' || values.has('prompt')) return {}
  const nearMiss = nearMissOf('prompt', cells)
  if (nearMiss === undefined) return {}
  const explanation = `${message}; column "${nearMiss}" is only a template variable`
  return { message: explanation, suggestion: 'prompt' }
}
