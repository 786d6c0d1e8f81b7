import { imageModelOf } from '../images-api/models.ts'
import { isGiven, textOf } from './cell-values.ts'
import { PICTURE_COLUMNS, type Column } from './columns.ts'
import type { Findings } from './findings.ts'
import type { RequestSubject, RowRequest } from './request-subject.ts'

/** Of sets of parameters: a catalog has few of them, however many rows. */
const REMEMBERED_MAX = 1_000

interface GoodRequest extends RowRequest {
  warnings: readonly string[]
  promptLengthMax: number
}

/** Most rows of a catalog differ in nothing but the prompt: what was found good once is not checked again. */
export class GoodRequests {
  readonly #findings: Findings
  readonly #good = new Map<string, GoodRequest>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** With the row's own prompt and the warnings there were; undefined when it has to be made and checked. */
  again(subject: RequestSubject): RowRequest | undefined {
    const sameness = samenessOf(subject)
    const good = sameness === undefined ? undefined : this.#good.get(sameness)
    if (good === undefined) return undefined
    const { operation, request, warnings, promptLengthMax } = good
    const prompt = textOf(subject.values.get('prompt'))
    // Checked in full where it is not plainly good.
    const isPlain = prompt === undefined || (prompt.length <= promptLengthMax && isGiven(prompt))
    if (!isPlain) return undefined
    for (const warning of warnings) this.#findings.warn(warning, subject.cells.line)
    return { operation, request: prompt === undefined ? request : { ...request, prompt } }
  }

  remember(subject: RequestSubject, made: RowRequest & { warnings: readonly string[] }): void {
    const sameness = samenessOf(subject)
    if (sameness === undefined) return
    if (this.#good.size >= REMEMBERED_MAX) this.#good.clear()
    const promptLengthMax = imageModelOf(made.request.model)?.promptLengthMax ?? 0
    this.#good.set(sameness, { ...made, promptLengthMax })
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
