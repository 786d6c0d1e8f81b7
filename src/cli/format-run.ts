/** One run, as `show <run>` prints it. Pure. */
import { unsuccessful } from '../report/run-summary.ts'
import type { RunDetails } from '../report/show-run.ts'
import { count } from './count.ts'
import { formatFailures } from './format-failures.ts'
import { duration } from './format-progress.ts'
import { minute, stateOf } from './format-runs.ts'
import { labelled } from './labelled.ts'

type Next = (words: readonly string[]) => string

export function formatRun(details: RunDetails, next: Next): string[] {
  const { facts, failures, leftOut, files } = details
  return [
    `${facts.run}   ${facts.manifest}   ${stateOf(facts)}`,
    '',
    ...labelled([
      ['rows', rowCounts(facts)],
      ['calls', callCounts(facts)],
      ['cost', cost(facts)],
      ['entered', `${minute(facts.enteredAt)} UTC${origin(facts)}`],
      ['finished', finished(facts)],
      ['settings', flagsOf(facts)],
      ['store', facts.store],
      ['made with', versionsOf(facts)],
      ['sha256', facts.manifestSha256],
    ]),
    ...section(formatFailures({ failures, ...(leftOut === undefined ? {} : { leftOut }) })),
    ...section(labelled(files.map(({ name, location }) => [name, location]))),
    ...section(labelled(goingOn(details, next))),
  ]
}

type Facts = RunDetails['facts']

const section = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines])

function rowCounts({ rows, outcomes, left }: Facts): string {
  const ended = Object.entries(outcomes).filter(([, rows]) => rows > 0)
  const parts = ended.map(([outcome, rows]) => `${rows} ${outcome}`)
  if (left > 0) parts.push(`${left} left`)
  return `${rows}: ${parts.join(', ')}`
}

function callCounts({ calls, unknownCalls, pictures }: Facts): string {
  const unknown = unknownCalls > 0 ? `, ${unknownCalls} of unknown outcome (counted as paid)` : ''
  return `${calls}${unknown}; ${count(pictures, 'picture')} from them`
}

function cost({ costUsd, costPlannedUsd = null }: Facts): string {
  const planned =
    costPlannedUsd === null ? '' : ` of $${costPlannedUsd.toFixed(4)} if no row were reused`
  return `$${costUsd.toFixed(4)}${planned}`
}

function origin({ schedule = null, retryOf = null, priority = 'normal' }: Facts): string {
  return [
    ...(schedule === null ? [] : [`by the schedule ${schedule}`]),
    ...(retryOf === null ? [] : [`as a retry of ${retryOf}`]),
    ...(priority === 'normal' ? [] : [`${priority} priority`]),
  ]
    .map((text) => `, ${text}`)
    .join('')
}

function finished({ enteredAt, finishedAt }: Facts): string | undefined {
  if (finishedAt === null) return undefined
  const took = duration(Date.parse(finishedAt) - Date.parse(enteredAt))
  return `${minute(finishedAt)} UTC, after ${took}`
}

function flagsOf({ flags = {} }: Facts): string | undefined {
  const given = Object.entries(flags).filter(([, value]) => isGiven(value))
  return given.length === 0
    ? undefined
    : given.map(([name, value]) => `${name} ${textOf(value)}`).join(', ')
}

const isGiven = (value: unknown): boolean =>
  value !== null && value !== undefined && value !== false && JSON.stringify(value) !== '{}'

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

const versionsOf = ({ versions }: Facts): string | undefined =>
  versions === undefined ? undefined : `renderq ${versions.renderq}, Node ${versions.node}`

function goingOn({ facts, isKnownToQueue }: RunDetails, next: Next): [string, string][] {
  const { run, state, finishedAt } = facts
  if (!isKnownToQueue) return [['go on', next(['resume', run])]]
  if (state === 'paused') return [['go on', next(['unpause', run])]]
  if (finishedAt === null) return [['watch', next(['status', run, '--watch'])]]
  const isWhole = unsuccessful(facts) === 0 && facts.outcomes.cancelled === 0
  return isWhole ? [] : [['try again', next(['retry', run])]]
}
