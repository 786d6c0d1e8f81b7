/** One row, as `show <run>/<id>` prints it. Pure. */
import { styleText } from 'node:util'
import { sourceOf } from '../job.ts'
import type { RenderRecord } from '../record.ts'
import { EARLIER_ATTEMPTS_MAX, type EarlierAttempt } from '../row-result.ts'
import type { PictureAt, RowDetails } from '../report/show-row.ts'
import { whatHelps } from '../what-helps.ts'
import { count } from './count.ts'
import { duration } from './format-progress.ts'
import { labelled } from './labelled.ts'
import { printable } from './printable.ts'

type Next = (words: readonly string[]) => string
type Facts = [string, string | undefined][]

export function formatRow(details: RowDetails, next: Next): string[] {
  const { run, planned, manifest, rowCount, outcome } = details
  const { id, row } = planned.job
  return [
    `${run}/${printable(id)}   ${outcome ?? 'no outcome yet'}`,
    `  row ${row + 1} of ${rowCount} of the run, ${placeIn(manifest, planned)}`,
    '',
    ...labelled(requestFacts(details)),
    ...section(labelled(pictureFacts(details))),
    ...section(labelled(callFacts(details))),
    ...section(labelled(tryFacts(details))),
    ...section(errorLines(details)),
    ...section(labelled(sinceFacts(details, next))),
    ...section(labelled([['why', next(['why', id, '--run', run])]])),
  ]
}

const section = (lines: readonly string[]): string[] => (lines.length === 0 ? [] : ['', ...lines])

/** The run may have taken but some rows of its manifest. */
function placeIn(manifest: string, { line }: RowDetails['planned']): string {
  return line === undefined ? `of ${printable(manifest)}` : `line ${line} of ${printable(manifest)}`
}

function requestFacts({ planned: { job }, record }: RowDetails): Facts {
  const { operation, request, images, mask, markup } = job
  const sent = record?.inputs ?? []
  return [
    ['operation', operation],
    ...Object.entries(request).map(([name, value]): Facts[number] => [name, textOf(value)]),
    ...images.map((input, index): Facts[number] => {
      const sha256 = sent[index]?.sha256 ?? null
      const digest = sha256 === null || input.kind === 'stored' ? '' : `  sha256 ${sha256}`
      return [`image ${index + 1}`, `${sourceOf(input)}${digest}`]
    }),
    ['mask', mask === undefined ? undefined : sourceOf(mask)],
    ['markup', markup === undefined ? undefined : sourceOf(markup)],
  ]
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

function pictureFacts({ pictures, superseded }: RowDetails): Facts {
  const facts = pictures.map((picture, index): Facts[number] => [
    pictures.length === 1 ? 'picture' : `picture ${index + 1}`,
    `${picture.location}${sizeOf(picture)}`,
  ])
  if (superseded === undefined) return facts
  return [...facts, ['replaced', `by a newer version of the row, ${second(superseded.at)}`]]
}

function sizeOf({ width, height, byteCount }: PictureAt): string {
  if (byteCount === undefined) return ''
  return `   ${width}x${height}   ${Math.ceil(byteCount / 1_000)} kB`
}

/** Of a reused row, the calls of the run that rendered it. */
function callFacts({ run, result, record }: RowDetails): Facts {
  const attempts = record ?? result
  const endedAt = result && new Date(result.endedAt).toISOString()
  return [
    ['rendered by', record?.run === run ? undefined : record?.run],
    ['attempts', attempts === undefined ? undefined : attemptsText(attempts)],
    ['begun', record && second(record.timings.startedAt)],
    ['answered', waitText(record?.timings.requestMs ?? result?.requestMs ?? null)],
    ['stored', record && second(record.timings.finishedAt)],
    ['ended', endedAt && second(endedAt)],
    ['last attempt', result && `${seconds(result.elapsedMs)}, with the waits in it`],
    ['request id', record?.requestId ?? result?.requestId ?? undefined],
    ['server', record?.server],
    ['cost', costText(record)],
    ['tokens', usageText(record?.usage ?? null)],
    ['resolved', record === undefined ? undefined : resolvedText(record)],
    ...(record?.warnings ?? []).map((warning): Facts[number] => ['warning', warning]),
  ]
}

/** Where there was more than one: when each began, how long it took, and what came of it. */
function tryFacts({ result }: RowDetails): Facts {
  const earlier = result?.earlierAttempts ?? []
  if (result === undefined || earlier.length === 0) return []
  const { endedAt, elapsedMs, outcome } = result
  const ends = earlier.map((attempt) => attempt.startedAt + attempt.elapsedMs)
  const tries = [
    ...earlier.map((attempt) => ({ ...attempt, came: failureText(attempt) })),
    { startedAt: endedAt - elapsedMs, elapsedMs, came: outcome },
  ]
  const begun = (startedAt: number, index: number) =>
    index === 0
      ? second(new Date(startedAt).toISOString())
      : `after a wait of ${seconds(Math.max(0, startedAt - (ends[index - 1] ?? startedAt)))}`
  const facts = tries.map((each, index): Facts[number] => [
    'try',
    `${begun(each.startedAt, index)}, ${seconds(each.elapsedMs)}: ${each.came}`,
  ])
  const isWhole = earlier.length < EARLIER_ATTEMPTS_MAX
  return isWhole ? facts : [['try', 'those before these were not kept'], ...facts]
}

const CALL_TEXT = {
  'not-sent': 'nothing was sent',
  unpaid: 'not charged',
  'presumed-paid': 'may be charged',
} as const

function failureText({ errorCode, error, call, requestId }: EarlierAttempt): string {
  const request = requestId === null || error.includes(requestId) ? '' : `, request ${requestId}`
  return `${errorCode}: ${error} (${CALL_TEXT[call]}${request})`
}

function sinceFacts({ planned, since }: RowDetails, next: Next): Facts {
  if (since === undefined) return []
  const { id } = planned.job
  return [
    ['since then', `rendered by ${since.run}, ${second(since.timings.finishedAt)}`],
    ['', next(['show', `${since.run}/${id}`])],
  ]
}

function attemptsText({
  attempts,
  calls,
  unknownCalls,
}: {
  attempts: number
  calls: number
  unknownCalls: number
}): string {
  const unknown =
    unknownCalls > 0
      ? `, ${unknownCalls} of them of unknown outcome (may be paid, not in the cost)`
      : ''
  return `${attempts}, with ${count(calls, 'call')}${unknown}`
}

function usageText(usage: RenderRecord['usage']): string | undefined {
  const { input_tokens, output_tokens } = usage ?? {}
  if (typeof input_tokens !== 'number' || typeof output_tokens !== 'number') return undefined
  return `${input_tokens} in, ${output_tokens} out`
}

/** To the second, in UTC. */
const second = (at: string): string => `${at.slice(0, 19).replace('T', ' ')} UTC`

const waitText = (ms: number | null): string | undefined =>
  ms === null ? undefined : `after ${seconds(ms)}`

const seconds = (ms: number): string =>
  ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : duration(ms)

function costText(record: RenderRecord | undefined): string | undefined {
  if (record === undefined) return undefined
  const { costUsd, priceTableDate } = record
  return costUsd === null ? 'unknown' : `$${costUsd.toFixed(4)} by the prices of ${priceTableDate}`
}

const resolvedText = ({ resolved }: RenderRecord): string =>
  Object.entries(resolved)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

function errorLines({ result }: RowDetails): string[] {
  const errorCode = result?.errorCode ?? null
  if (errorCode === null) return []
  return [
    `  ${styleText('red', errorCode)}: ${printable(result?.error ?? '')}`,
    `    ${whatHelps(errorCode)}`,
  ]
}
