/** One run, as `show <run>` prints it. Pure. */
import { unsuccessful } from '../report/run-summary.ts'
import type { RunDetails } from '../report/show-run.ts'
import { count } from './count.ts'
import { formatFailures } from './format-failures.ts'
import { duration } from './format-progress.ts'
import { formatReasons } from './format-reasons.ts'
import { minute, stateOf } from './format-runs.ts'
import type { Next } from './go-on.ts'
import { forShell } from './go-on.ts'
import { inFolder } from './in-folder.ts'
import { labelled } from './labelled.ts'

export function formatRun(details: RunDetails, next: Next): string[] {
  const { facts, failures, leftOut, files } = details
  return [
    `${facts.run}   ${facts.manifest}   ${stateOf(facts)}`,
    '',
    ...labelled([
      ['rows', rowCounts(facts)],
      ['why', facts.reasons && formatReasons(facts.reasons)],
      ['calls', callCounts(facts)],
      ['cost', cost(facts)],
      ['entered', `${minute(facts.enteredAt)} UTC${origin(facts)}`],
      ['finished', finished(facts)],
      ['settings', flagsOf(facts)],
      ['store', facts.store && inFolder(facts.store)],
      ['made with', versionsOf(facts)],
      ['sha256', facts.manifestSha256],
    ]),
    ...section(formatFailures({ failures, ...(leftOut === undefined ? {} : { leftOut }) })),
    ...section(labelled(files.map(({ name, location }) => [name, inFolder(location)]))),
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
  const unknown =
    unknownCalls > 0 ? `, ${unknownCalls} of unknown outcome (may be paid, not in the cost)` : ''
  return `${calls}${unknown}; ${count(pictures, 'picture')} from them`
}

function cost({ costUsd, costPlannedUsd = null }: Facts): string {
  const planned =
    costPlannedUsd === null ? '' : `, planned up to about $${costPlannedUsd.toFixed(4)}`
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
  const words = Object.entries(flags).flatMap(([name, value]) => flagWords(name, value))
  return words.length === 0 ? undefined : words.map(forShell).join(' ')
}

/** As they were typed. */
function flagWords(name: string, value: unknown): string[] {
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  if (value === null || value === undefined || value === false) return []
  if (value === true) return [flag]
  if (name === 'map') return mappingsIn(value).flatMap((mapping) => [flag, mapping])
  if (Array.isArray(value)) return [flag, value.map(inList).join(',')]
  if (typeof value === 'string' || typeof value === 'number') return [flag, String(value)]
  return Object.entries(value).flatMap(([column, text]) => [flag, `${column}=${text}`])
}

const mappingsIn = (value: unknown): string[] =>
  (value as { target: string; source: string }[]).map(({ target, source }) => `${target}=${source}`)

const inList = (entry: unknown): string =>
  /[",]/.test(String(entry)) ? `"${String(entry).replaceAll('"', '""')}"` : String(entry)

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
