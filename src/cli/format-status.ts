/** Status as a table for people. Pure. */
import { styleText } from 'node:util'
import type { RunSummary } from '../report/run-summary.ts'
import type { Status } from '../report/status.ts'

export function formatStatus({ queue, runs, rows, brake }: Status): string {
  const head = `queue ${queue}   waiting ${rows.waiting}  active ${rows.active}  delayed ${rows.delayed}`
  const stopped = brake === undefined ? [] : [styleText('red', `stopped: ${brake.reason}`)]
  if (runs.length === 0) return [head, ...stopped, 'no runs yet'].join('\n')
  const table = [
    COLUMNS.map(({ title }) => title),
    ...runs.map((run) => COLUMNS.map(({ of }) => of(run))),
  ]
  const widths = COLUMNS.map((_, column) =>
    Math.max(...table.map((line) => (line[column] ?? '').length)),
  )
  const lines = table.map((line) =>
    line.map((cell, column) => pad(cell, column, widths)).join('  '),
  )
  return [head, ...stopped, '', ...lines.map((line) => line.trimEnd())].join('\n')
}

const COLUMNS: readonly { title: string; isText?: boolean; of(run: RunSummary): string }[] = [
  { title: 'RUN', isText: true, of: ({ run }) => run },
  { title: 'MANIFEST', isText: true, of: ({ manifest }) => manifest },
  { title: 'STATE', isText: true, of: ({ state }) => state },
  { title: 'ROWS', of: ({ rows }) => String(rows) },
  { title: 'OK', of: ({ outcomes }) => String(outcomes.succeeded) },
  { title: 'REUSED', of: ({ outcomes }) => String(outcomes.reused) },
  { title: 'FAILED', of: ({ outcomes }) => String(outcomes.failed) },
  { title: 'REFUSED', of: ({ outcomes }) => String(outcomes.refused) },
  { title: 'HELD', of: ({ outcomes }) => String(outcomes.held) },
  { title: 'LEFT', of: ({ left }) => String(left) },
  { title: 'CALLS', of: ({ calls }) => String(calls) },
  { title: 'UNKNOWN', of: ({ unknownCalls }) => String(unknownCalls) },
  { title: 'COST', of: ({ costUsd }) => `$${costUsd.toFixed(2)}` },
  {
    title: 'ENTERED',
    isText: true,
    of: ({ enteredAt }) => enteredAt.slice(0, 16).replace('T', ' '),
  },
]

function pad(cell: string, column: number, widths: readonly number[]): string {
  const width = widths[column] ?? 0
  return COLUMNS[column]?.isText === true ? cell.padEnd(width) : cell.padStart(width)
}
