/** The latest runs as a table. Pure. */
import type { RunList } from '../report/list-runs.ts'
import { unsuccessful, type RunSummary } from '../report/run-summary.ts'
import { duration } from './format-progress.ts'
import { formatTable, type Column } from './table.ts'

export function formatRuns({ from, runs }: RunList, queueName: string): string {
  if (runs.length === 0) return `no runs yet on ${queueName}`
  const lines = formatTable(runs, COLUMNS)
  if (from === 'ledger') return lines.join('\n')
  const note = `${queueName} knows none of these, they are in the store: go on with "renderq resume <run>"`
  return [note, '', ...lines].join('\n')
}

const COLUMNS: readonly Column<RunSummary>[] = [
  { title: 'RUN', isText: true, of: ({ run }) => run },
  { title: 'MANIFEST', isText: true, of: ({ manifest }) => manifest },
  { title: 'STATE', isText: true, of: stateOf },
  {
    title: 'DONE',
    of: ({ rows, left, outcomes }) => `${rows - left - outcomes.cancelled}/${rows}`,
  },
  { title: 'FAILED', of: (run) => String(unsuccessful(run)) },
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
