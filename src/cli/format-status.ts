/** Status as a table for people. Pure. */
import { styleText } from 'node:util'
import type { Brake } from '../queue/ledger.ts'
import type { RunTrouble } from '../queue/queue.ts'
import type { RunSummary } from '../report/run-summary.ts'
import type { Status } from '../report/status.ts'
import { whatHelps } from '../what-helps.ts'
import { formatFailures } from './format-failures.ts'
import { formatFromStore, formatNoRuns, minute, stateOf } from './format-runs.ts'
import type { Next } from './go-on.ts'
import { printable } from './printable.ts'
import { formatTable, type Column } from './table.ts'

export function formatStatus(
  { queue, from, runs, rows, brake, troubles, lost, results }: Status,
  next: Next,
  hint?: string,
): string {
  const head = `queue ${queue}   waiting ${rows.waiting}  active ${rows.active}  delayed ${rows.delayed}`
  const stopped = brake === undefined ? [] : formatBrake(brake, runs, next)
  if (runs.length === 0) return [head, ...stopped, formatNoRuns(queue, hint)].join('\n')
  const failures = results === undefined ? [] : ['', ...formatFailures(results)]
  const isListed = from === 'store' && lost === undefined
  const origin = isListed ? ['', formatFromStore(runs, { queue, next })] : []
  const table = [...origin, '', ...formatTable(runs, COLUMNS)]
  const stuck = troubles.flatMap(({ run, ...trouble }) => ['', ...formatTrouble(run, trouble)])
  const goOn = [...(lost === undefined ? [] : formatLost(lost, next)), ...formatPaused(runs, next)]
  return [head, ...stopped, ...table, ...stuck, ...goOn, ...failures].join('\n')
}

/** Why everyone stands still, until when, and how to go on before that. */
export function formatBrake(
  { code, reason, until }: Brake,
  runs: readonly RunSummary[],
  next: Next,
): string[] {
  const unfinished = runs.find(({ finishedAt }) => finishedAt === null)
  const time = new Date(until).toISOString().slice(11, 16)
  return [
    styleText('red', `everyone is stopped: ${printable(reason)}`),
    `  ${whatHelps(code)}`,
    unfinished === undefined
      ? `  tried again at ${time} UTC`
      : `  tried again at ${time} UTC; at once with  ${next(['resume', unfinished.run])}`,
  ]
}

/** Why a run does not move, and since when. */
export function formatTrouble(run: string, { message, since }: RunTrouble): string[] {
  return [
    styleText('red', `${run} can't go on: ${printable(message)}`),
    `  so since ${minute(new Date(since).toISOString())} UTC, and tried again all the time; nothing that is stored is lost`,
  ]
}

function formatLost(run: string, next: Next): string[] {
  return [
    '',
    `the queue knows nothing of ${run} any more: these are its counts when its document was written`,
    `  go on     ${next(['resume', run])}`,
  ]
}

function formatPaused(runs: readonly RunSummary[], next: Next): string[] {
  const paused = runs.filter(({ state }) => state === 'paused')
  if (paused.length === 0) return []
  return ['', ...paused.map(({ run }) => `${run} is paused, go on with  ${next(['unpause', run])}`)]
}

const COLUMNS: readonly Column<RunSummary>[] = [
  { title: 'RUN', isText: true, of: ({ run }) => run },
  { title: 'MANIFEST', isText: true, of: ({ manifest }) => manifest },
  { title: 'STATE', isText: true, of: stateOf },
  { title: 'ROWS', of: ({ rows }) => String(rows) },
  { title: 'OK', of: ({ outcomes }) => String(outcomes.succeeded) },
  { title: 'REUSED', isOptional: true, of: ({ outcomes }) => String(outcomes.reused) },
  { title: 'FAILED', of: ({ outcomes }) => String(outcomes.failed) },
  { title: 'REFUSED', isOptional: true, of: ({ outcomes }) => String(outcomes.refused) },
  { title: 'HELD', isOptional: true, of: ({ outcomes }) => String(outcomes.held) },
  { title: 'CANCELLED', isOptional: true, of: ({ outcomes }) => String(outcomes.cancelled) },
  { title: 'LEFT', of: ({ left }) => String(left) },
  { title: 'CALLS', of: ({ calls }) => String(calls) },
  { title: 'UNKNOWN', isOptional: true, of: ({ unknownCalls }) => String(unknownCalls) },
  { title: 'COST', of: ({ costUsd }) => `$${costUsd.toFixed(2)}` },
  { title: 'ENTERED (UTC)', isText: true, of: ({ enteredAt }) => minute(enteredAt) },
]
