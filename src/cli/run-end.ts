/** What a run says at its end: counts, cost, why rows failed and what helps, and how to go on. */
import { styleText } from 'node:util'
import type { RowResult, RunBooks } from '../queue/ledger.ts'
import { summaryOf, type RunSummary } from '../report/run-summary.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { count } from './count.ts'
import { duration } from './format-progress.ts'
import { helpFor } from './help-for.ts'
import type { RunEnd } from './run-manifest.ts'

/** Above this many rows the results are only named, not read back. */
const RESULT_ROWS_READ_MAX = 200_000
const RESULTS_BYTES_MAX = 512 * 1024 * 1024
const IDS_SHOWN_MAX = 5

export interface RunEndOptions {
  end: RunEnd
  store: Store
  asJson: boolean
  isEmulated: boolean
}

export async function printEnd(
  books: RunBooks,
  { end, store, asJson, isEmulated }: RunEndOptions,
): Promise<void> {
  const summary = summaryOf(books)
  const results = end.kind === 'finished' ? await readResults(books, store) : []
  const picturesAt = store.locationOf(commonFolder(results))
  const lines = [
    ...headline(summary, end),
    ...costNotes(summary, results, isEmulated),
    ...failureLines(results),
    `  pictures  ${picturesAt}`,
    end.kind === 'finished'
      ? `  results   ${store.locationOf(runKey(books.run, 'results.jsonl'))}`
      : '  go on     run the same command again: stored rows are not called again',
  ]
  for (const line of lines) console.error(line)
  if (asJson) {
    console.log(JSON.stringify({ v: 1, type: 'summary', ...summary, picturesAt }))
  } else if (!process.stdout.isTTY) {
    // For scripts; on a terminal the line above says it.
    console.log(picturesAt)
  }
}

async function readResults({ run, rowCount }: RunBooks, store: Store): Promise<RowResult[]> {
  if (rowCount > RESULT_ROWS_READ_MAX) return []
  const bytes = await store.get(runKey(run, 'results.jsonl'), { bytesMax: RESULTS_BYTES_MAX })
  const lines = (bytes?.toString('utf8') ?? '').split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as RowResult)
}

/** The deepest folder that holds every picture; with names of one's own that may be the whole store. */
function commonFolder(results: readonly RowResult[]): string {
  const folders = results.flatMap(({ keys }) => keys.map((key) => key.split('/').slice(0, -1)))
  const common = folders.reduce((shared, folder) => {
    const differs = shared.findIndex((segment, depth) => folder[depth] !== segment)
    return differs === -1 ? shared : shared.slice(0, differs)
  }, folders[0] ?? [])
  return common.join('/')
}

function costNotes(
  { unknownCalls }: RunSummary,
  results: readonly RowResult[],
  isEmulated: boolean,
): string[] {
  const unpriced = results.filter(
    ({ outcome, costUsd }) => outcome === 'succeeded' && costUsd === null,
  )
  return [
    ...(unknownCalls > 0
      ? [`  ${count(unknownCalls, 'call')} may be paid without an answer, and are not in that sum`]
      : []),
    ...(unpriced.length > 0
      ? [`  the cost of ${count(unpriced.length, 'row')} is unknown and not in that sum`]
      : []),
    ...(isEmulated
      ? [
          '  emulated: the pictures are test patterns, nothing was paid, the cost is what it would have been',
        ]
      : []),
  ]
}

function headline(summary: RunSummary, end: RunEnd): string[] {
  const { outcomes, run } = summary
  const counts = Object.entries(outcomes)
    .filter(([, rows]) => rows > 0)
    .map(([outcome, rows]) => `${rows} ${outcome}`)
  if (summary.left > 0) counts.push(`${summary.left} left`)
  const unknown = summary.unknownCalls > 0 ? `, ${summary.unknownCalls} of unknown outcome` : ''
  const money = `${count(summary.pictures, 'picture')} from ${count(summary.calls, 'call')}${unknown}, $${summary.costUsd.toFixed(4)}`
  switch (end.kind) {
    case 'finished': {
      const took = duration(Date.parse(summary.finishedAt ?? '') - Date.parse(summary.enteredAt))
      return [`${run} finished in ${took}: ${counts.join(', ')}`, `  ${money}`]
    }
    case 'stopped':
      return [`${run} stopped: ${counts.join(', ')}`, `  ${money}`]
    case 'braked':
      return [
        `${run} ${styleText('red', 'stopped')}: ${end.brake.reason}`,
        `  ${counts.join(', ')}; ${money}`,
        `  ${helpFor(end.brake.code)}`,
      ]
  }
}

/** One line per cause, the commonest first. */
function failureLines(results: readonly RowResult[]): string[] {
  const byCode = new Map<string, RowResult[]>()
  for (const result of results) {
    if (result.errorCode === null) continue
    const sameCode = byCode.get(result.errorCode) ?? []
    sameCode.push(result)
    byCode.set(result.errorCode, sameCode)
  }
  return [...byCode]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .flatMap(([code, results]) => {
      const ids = results.slice(0, IDS_SHOWN_MAX).map(({ id }) => id)
      const more = results.length > ids.length ? ` and ${results.length - ids.length} more` : ''
      return [
        `  ${styleText('red', `${results.length} ${code}`)}  ${ids.join(', ')}${more}: ${results[0]?.error ?? ''}`,
        `    ${helpFor(code)}`,
      ]
    })
}
