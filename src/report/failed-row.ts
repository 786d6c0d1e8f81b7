/**
 * A line of `failed.jsonl`: a row that did not succeed, as a manifest gives it, to be corrected and run. Templates
 * are filled, and what flags and defaults gave is written out, so that the line alone means the same request and the
 * same object names, wherever it lies.
 */
import type { InputPicture } from '../job.ts'
import { columnOf } from '../manifest-columns.ts'
import type { ReportRow } from './report-row.ts'
import { isResultColumn } from './results-csv.ts'

const SUCCESSFUL: ReadonlySet<string> = new Set(['succeeded', 'reused'])

/** Undefined for a row that has its pictures. */
export function failedRowOf({ job, columns, result }: ReportRow): object | undefined {
  if (result !== undefined && SUCCESSFUL.has(result.outcome)) return undefined
  const { prompt, ...request } = job.request
  return {
    id: literally(job.id),
    _error_code: result?.errorCode ?? 'cancelled',
    _error: result?.error ?? 'the run was cancelled before this row',
    ...(prompt !== undefined && { prompt: literally(prompt) }),
    operation: job.operation,
    ...(job.images.length > 0 && { image: job.images.map(pictureOf) }),
    ...(job.mask !== undefined && { mask: [pictureOf(job.mask)] }),
    ...(job.markup !== undefined && { markup: [pictureOf(job.markup)] }),
    ...Object.fromEntries(Object.entries(request).map(([name, value]) => [name, literal(value)])),
    name: job.key,
    ...variablesIn(columns),
  }
}

/** What the row has beside the request: its own words for it, to sort and correct it by. */
function variablesIn(columns: ReportRow['columns']): object {
  const isVariable = (name: string) => columnOf(name) === undefined && !isResultColumn(name)
  const isBatch = isBatchLine(columns)
  const variables = Object.entries(columns).filter(
    ([name]) => isVariable(name) && !(isBatch && BATCH_ENVELOPE.has(name)),
  )
  return Object.fromEntries(variables)
}

/** The envelope of OpenAI's batch files: with it, the line would be taken for one again. */
const BATCH_ENVELOPE: ReadonlySet<string> = new Set(['method', 'url', 'body'])

function isBatchLine({ body }: ReportRow['columns']): boolean {
  return typeof body === 'object' && body !== null && !Array.isArray(body)
}

const literal = (value: unknown): unknown => (typeof value === 'string' ? literally(value) : value)

/** The templates were filled already; what looks like one now is the row's own text. */
function literally(text: string): string {
  return text.replace(/\{\{|\{%/g, (braces) => `{{ "${braces}" }}`)
}

/** As a list of a manifest names it. What came from a local path is in the store by now. */
function pictureOf(input: InputPicture): unknown {
  switch (input.kind) {
    case 'stored':
      return input
    case 'url':
    case 's3':
      return literally(input.url)
    case 'file':
      return { file_id: input.fileId }
    case 'image-url':
      return { image_url: input.url }
  }
}
