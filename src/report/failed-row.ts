/**
 * A line of `failed.jsonl`: a row that did not succeed, as a manifest gives it, to be corrected and run. Everything
 * that the run's flags gave is written out, so that the line alone means the same pictures under the same names.
 */
import type { InputPicture } from '../job.ts'
import { columnOf } from '../manifest-columns.ts'
import type { ReportRow } from './report-row.ts'

const SUCCESSFUL: ReadonlySet<string> = new Set(['succeeded', 'reused'])

/** Undefined for a row that has its pictures. */
export function failedRowOf({ job, columns, result }: ReportRow): object | undefined {
  if (result !== undefined && SUCCESSFUL.has(result.outcome)) return undefined
  const { prompt, ...request } = job.request
  const others = Object.entries(columns).filter(
    ([name]) => columnOf(name) === undefined && !name.startsWith('_'),
  )
  return {
    id: job.id,
    _error_code: result?.errorCode ?? 'cancelled',
    _error: result?.error ?? 'the run was cancelled before this row',
    ...(prompt !== undefined && { prompt: literally(prompt) }),
    operation: job.operation,
    ...(job.images.length > 0 && { image: job.images.map(pictureOf) }),
    ...(job.mask !== undefined && { mask: pictureOf(job.mask) }),
    ...(job.markup !== undefined && { markup: pictureOf(job.markup) }),
    ...request,
    name: literally(job.key),
    ...Object.fromEntries(others),
  }
}

/** The templates were filled already; what looks like one now is the row's own text. */
function literally(text: string): string {
  return /\{\{|\{%/.test(text) ? `{% raw %}${text}{% endraw %}` : text
}

/** As a manifest names it. */
function pictureOf(input: InputPicture): unknown {
  switch (input.kind) {
    case 'stored':
      return input
    case 'url':
    case 's3':
      return input.url
    case 'file':
      return { file_id: input.fileId }
    case 'image-url':
      return { image_url: input.url }
  }
}
