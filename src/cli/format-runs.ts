/** The latest runs as a table. Pure. */
import type { RunList } from '../report/list-runs.ts'
import { unsuccessful, type RunSummary } from '../report/run-summary.ts'
import { duration } from './format-progress.ts'
import type { Next } from './go-on.ts'
import { formatTable, type Column } from './table.ts'

export interface RunsAround {
  queue: string
  next: Next
  /** Where runs may be that were not found here. */
  hint?: string | undefined
}

export function formatRuns({ from, runs }: RunList, { queue, next, hint }: RunsAround): string {
  if (runs.length === 0) return formatNoRuns(queue, hint)
  const lines = formatTable(runs, COLUMNS)
  if (from === 'ledger') return lines.join('\n')
  return [formatFromStore(runs, { queue, next }), '', ...lines].join('\n')
}

export const formatNoRuns = (queue: string, hint: string | undefined): string =>
  [`no runs yet on ${queue}`, ...(hint === undefined ? [] : [hint])].join('\n')

export function formatFromStore(
  runs: readonly RunSummary[],
  { queue, next }: { queue: string; next: Next },
): string {
  const unfinished = runs.find(({ finishedAt }) => finishedAt === null)
  const goOn = unfinished === undefined ? '' : `: go on with  ${next(['resume', unfinished.run])}`
  return `${queue} knows none of these, they are in the store${goOn}`
}

const COLUMNS: readonly Column<RunSummary>[] = [
  { title: 'RUN', isText: true, of: ({ run }) => run },
  { title: 'MANIFEST', isText: true, of: ({ manifest }) => manifest },
  { title: 'STATE', isText: true, of: stateOf },
  {
    title: 'DONE',
    of: ({ rows, left, outcomes }) => `${rows - left - outcomes.cancelled}/${rows}`,
  },
  // Failed, refused and held together, which `status` keeps apart.
  { title: 'LACKING', of: (run) => String(unsuccessful(run)) },
  { title: 'COST', of: ({ costUsd }) => `$${costUsd.toFixed(2)}` },
  { title: 'ENTERED (UTC)', isText: true, of: ({ enteredAt }) => minute(enteredAt) },
  { title: 'TOOK', of: took },
]

/** A cancelled run goes on until the calls that were sent have come in. */
export function stateOf({ state, finishedAt }: Pick<RunSummary, 'state' | 'finishedAt'>): string {
  return state === 'cancelled' && finishedAt === null ? 'cancelling' : state
}

export const minute = (at: string): string => at.slice(0, 16).replace('T', ' ')

function took({ enteredAt, finishedAt }: RunSummary): string {
  if (finishedAt === null) return ''
  return duration(Date.parse(finishedAt) - Date.parse(enteredAt))
}
