import {
  checkRequest,
  isForOtherOperation,
  resolveRequest,
  type RequestProblem,
  type ServerKind,
} from '../images-api/rules.ts'
import { isSomeSetting } from '../images-api/known-values.ts'
import { OPERATIONS, type ImageRequest, type Operation } from '../job.ts'
import { nearest } from '../nearest.ts'
import { authorOf, flagOf, integerOf, quoted, textOf } from './cell-values.ts'
import type { ColumnMap } from './column-map.ts'
import {
  PARAMETER_KINDS,
  PARAMETERS,
  PICTURE_COLUMNS,
  type Column,
  type ParameterColumn,
  type ParameterKind,
} from './columns.ts'
import type { Finding, Findings } from './findings.ts'
import { GoodRequests } from './good-requests.ts'
import type { RequestSubject, RowRequest } from './request-subject.ts'
import { nearMissOf, ownHeaderOf, placeOf, type RowCells } from './row-cells.ts'

/** Turns a row's cells into a request and checks it against what its model takes. */
export class RequestMaker {
  readonly #server: ServerKind
  readonly #today: Date
  readonly #map: ColumnMap
  readonly #findings: Findings
  readonly #good: GoodRequests

  constructor(
    { server, today, map }: { server: ServerKind; today: Date; map: ColumnMap },
    findings: Findings,
  ) {
    this.#server = server
    this.#today = today
    this.#map = map
    this.#findings = findings
    this.#good = new GoodRequests(findings)
  }

  /** Undefined after reporting a cell that is no value of its column, or an operation there is not. */
  make(subject: RequestSubject): RowRequest | undefined {
    return this.#good.again(subject) ?? this.#makeAndCheck(subject)
  }

  #makeAndCheck(subject: RequestSubject): RowRequest | undefined {
    const { line } = subject.cells
    const problemsBefore = this.#findings.problemCount
    const operation = this.#operationOf(subject)
    const given = this.#parametersOf(subject)
    if (operation === undefined || given === undefined) return undefined
    const dropped = this.#dropForOthers(given, operation, subject.cells)
    const request = resolveRequest(operation, given)
    const context = { ...subject.pictures, server: this.#server, today: this.#today }
    const check = checkRequest(operation, request, context)
    for (const problem of check.problems) {
      if ((subject.failed as ReadonlySet<string>).has(problem.column)) continue
      const place = placeOf(problem.column, subject.cells)
      const hint = isNoSetting(problem, request) ? this.#renaming(problem, subject.cells) : ''
      const message = problem.message + hint
      const { suggestion } = problem
      this.#findings.problem({
        ...place,
        message,
        ...(suggestion !== undefined && { suggestion }),
        ...missingPrompt(problem, subject),
      })
    }
    const warnings = [...dropped, ...check.warnings]
    for (const warning of warnings) this.#findings.warn(warning, line)
    if (this.#findings.problemCount === problemsBefore) {
      this.#good.remember(subject, { operation, request, warnings })
    }
    return { operation, request }
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
      ...placeOf('operation', cells),
      message: `${quoted(given)}: must be generate, edit or variation`,
      ...(suggestion !== undefined && { suggestion }),
    })
    return undefined
  }

  #parametersOf({ values, cells }: RequestSubject): Partial<ImageRequest> | undefined {
    const given: Record<string, unknown> = {}
    let isGood = true
    for (const column of PARAMETERS) {
      const cell = values.get(column)
      if (cell === undefined) continue
      const value = parameterOf(column, cell)
      if (value === undefined) {
        isGood = false
        const wanted = WANTED[PARAMETER_KINDS[column]]
        const message = `${quoted(cell)}: must be ${wanted}`
        this.#findings.problem({ ...placeOf(column, cells), message })
      } else given[column] = value
    }
    return isGood ? given : undefined
  }

  /** A shop's own column may have the name of a setting, as the size of a shirt: how it keeps from being one. */
  #renaming({ column }: { column: string }, cells: RowCells): string {
    const isMapped = this.#map.sourcesOf(column as Column) !== undefined
    const header = isMapped ? undefined : ownHeaderOf(column, cells)
    // Nobody calls a column of products output_format.
    if (header === undefined || header.includes('_')) return ''
    return `; if "${header}" is something else here: --map product_${header.toLowerCase()}=${header}`
  }
}

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

/** A value that is none of any model's; a misspelt one comes with a suggestion. */
function isNoSetting({ column, suggestion }: RequestProblem, request: ImageRequest): boolean {
  return suggestion === undefined && !isSomeSetting(column, request[column as ParameterColumn])
}

/** A misspelt header is the likeliest reason for a missing prompt, and it is easy to overlook. */
function missingPrompt(
  { column, message }: { column: string; message: string },
  { cells, values }: RequestSubject,
): Partial<Finding> {
  if (column !== 'prompt' || values.has('prompt')) return {}
  if (cells.given.has('prompt')) return { message: 'comes out empty' }
  const nearMiss = nearMissOf('prompt', cells)
  if (nearMiss === undefined)
    return { message: `${message}; --prompt gives one to all that lack it` }
  const explanation = `${message}; column "${nearMiss}" is only a template variable`
  return { message: explanation, suggestion: 'prompt' }
}
