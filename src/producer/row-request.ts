import {
  checkRequest,
  isForOtherOperation,
  resolveRequest,
  type ServerKind,
} from '../images-api/rules.ts'
import { OPERATIONS, type ImageRequest, type Operation } from '../job.ts'
import { nearest } from '../nearest.ts'
import { integerOf, quoted, textOf } from './cell-values.ts'
import { PARAMETER_KINDS, PARAMETERS, type Column, type ParameterColumn } from './columns.ts'
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
  /** How many images the row names, found or not. */
  imageCount: number
}

/** Turns a row's cells into a request and checks it against what its model takes. */
export class RequestMaker {
  readonly #server: ServerKind
  readonly #today: Date
  readonly #findings: Findings

  constructor({ server, today }: { server: ServerKind; today: Date }, findings: Findings) {
    this.#server = server
    this.#today = today
    this.#findings = findings
  }

  /** Undefined after reporting a cell that is no value of its column, or an operation there is not. */
  make(subject: RequestSubject): RowRequest | undefined {
    const { line } = subject.cells
    const operation = this.#operationOf(subject)
    const given = this.#parametersOf(subject.values, line)
    if (operation === undefined || given === undefined) return undefined
    this.#dropForOthers(given, operation, subject.cells)
    const request = resolveRequest(operation, given)
    const context = {
      imageCount: subject.imageCount,
      hasMask: subject.values.has('mask'),
      server: this.#server,
      today: this.#today,
    }
    const { problems, warnings } = checkRequest(operation, request, context)
    for (const problem of problems) {
      if ((subject.failed as ReadonlySet<string>).has(problem.column)) continue
      this.#findings.problem({ line, ...problem, ...missingPrompt(problem, subject) })
    }
    for (const warning of warnings) this.#findings.warn(warning, line)
    return { operation, request }
  }

  /** What is said for all rows is meant for those that can take it. */
  #dropForOthers(given: Partial<ImageRequest>, operation: Operation, cells: RowCells): void {
    const resolved = resolveRequest(operation, given)
    for (const name of Object.keys(given) as ParameterColumn[]) {
      if (cells.own.has(name) || !isForOtherOperation(name, operation, resolved)) continue
      const text = `${name} of --set or defaults is left out of ${operation} rows: not taken there`
      this.#findings.warn(text, cells.line)
      delete given[name]
    }
  }

  /** Without an operation, a row that names pictures is an edit; a variation has to be asked for. */
  #operationOf({ cells, values, failed }: RequestSubject): Operation | undefined {
    if (failed.has('operation')) return undefined
    const given = values.get('operation')
    const isNamed = (column: Column) => values.has(column) || failed.has(column)
    if (given === undefined) return isNamed('image') || isNamed('mask') ? 'edit' : 'generate'
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
    const given: Record<string, string | number> = {}
    let isGood = true
    for (const column of PARAMETERS) {
      const cell = values.get(column)
      if (cell === undefined) continue
      const value = parameterOf(column, cell)
      if (value === undefined) {
        isGood = false
        const kind = PARAMETER_KINDS[column] === 'integer' ? 'a whole number' : 'a text'
        this.#findings.problem({ line, column, message: `${quoted(cell)}: must be ${kind}` })
      } else given[column] = value
    }
    return isGood ? given : undefined
  }
}

function parameterOf(column: ParameterColumn, cell: unknown): string | number | undefined {
  if (PARAMETER_KINDS[column] === 'integer') return integerOf(cell)
  const text = textOf(cell)
  if (column === 'prompt') return text
  return PARAMETER_KINDS[column] === 'word' ? text?.trim().toLowerCase() : text?.trim()
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
