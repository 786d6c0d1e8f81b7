/** A row as `report.html` carries it: only what the page shows, each text cut to a length it can show. */
import { sourceOf } from '../../job.ts'
import type { ReportRow } from '../report-row.ts'
import type { ReportedOutcome, RowData } from './report-data.ts'
import type { Thumbnail } from './thumbnails.ts'

const COLUMN_TEXT_MAX = 2_000
const COLUMNS_MAX = 200

/** What never ended in a run that is over was cancelled with it. */
export function outcomeOf({ result }: ReportRow, isOver: boolean): ReportedOutcome {
  return result?.outcome ?? (isOver ? 'cancelled' : 'left')
}

export function rowData(
  { job, line, columns, result, locations }: ReportRow,
  { outcome, thumbnail }: { outcome: ReportedOutcome; thumbnail: Thumbnail | undefined },
): RowData {
  const { prompt, ...parameters } = job.request
  return {
    row: job.row + 1,
    line,
    id: job.id,
    outcome,
    operation: job.operation,
    prompt,
    parameters,
    inputs: inputsOf(job),
    columns: shownColumns(columns),
    keys: result?.keys ?? [],
    locations,
    ...(thumbnail?.kind === 'made' && { thumbnail: thumbnail.dataUri }),
    ...(thumbnail?.kind === 'none' && { noThumbnail: thumbnail.reason }),
    width: result?.width ?? undefined,
    height: result?.height ?? undefined,
    byteCount: result?.byteCount,
    costUsd: result?.costUsd ?? undefined,
    attempts: result?.attempts,
    calls: result?.calls,
    unknownCalls: result?.unknownCalls,
    elapsedMs: result?.elapsedMs,
    requestMs: result?.requestMs ?? undefined,
    endedAt: result?.endedAt,
    errorCode: result?.errorCode ?? undefined,
    error: result?.error ?? undefined,
    requestId: result?.requestId ?? undefined,
  }
}

function inputsOf({ images, mask, markup }: ReportRow['job']): string[] {
  return [
    ...images.map(sourceOf),
    ...(mask === undefined ? [] : [`mask: ${sourceOf(mask)}`]),
    ...(markup === undefined ? [] : [`markup: ${sourceOf(markup)}`]),
  ]
}

function shownColumns(columns: ReportRow['columns']): Record<string, string> {
  const shown = Object.entries(columns)
    .slice(0, COLUMNS_MAX)
    .map(([name, value]) => [name, shortened(columnText(value))])
  return Object.fromEntries(shown) as Record<string, string>
}

export function columnText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '' : JSON.stringify(value)
}

function shortened(text: string): string {
  if (text.length <= COLUMN_TEXT_MAX) return text
  return `${text.slice(0, COLUMN_TEXT_MAX)}… (${text.length - COLUMN_TEXT_MAX} more characters)`
}
