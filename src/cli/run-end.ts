/** What a run says at its end: counts, cost, why rows failed and what helps, and how to go on. */
import { styleText } from 'node:util'
import type { RowResult, RunBooks } from '../queue/ledger.ts'
import { summaryOf, unsuccessful, type RunSummary } from '../report/run-summary.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { helpFor } from './help-for.ts'
import { duration } from './format-progress.ts'
import type { RunEnd } from './run-manifest.ts'

const RESULTS_BYTES_MAX = 256 * 1024 * 1024
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
  const pictures = store.locationOf(books.manifest)
  for (const line of headline(summary, end)) console.error(line)
  if (isEmulated)
    console.error('  emulated: nothing was paid, the cost is what the API would have charged')
  if (end.kind === 'finished' && unsuccessful(summary) > 0) {
    for (const line of await failureLines(books, store)) console.error(line)
  }
  console.error(`  pictures  ${pictures}`)
  if (end.kind === 'finished')
    console.error(`  results   ${store.locationOf(runKey(books.run, 'results.jsonl'))}`)
  else console.error('  go on     run the same command again: stored rows are not called again')
  if (asJson) {
    console.log(JSON.stringify({ v: 1, type: 'summary', ...summary, picturesAt: pictures }))
  } else if (!process.stdout.isTTY) {
    // For scripts; on a terminal the line above says it.
    console.log(pictures)
  }
}

function headline(summary: RunSummary, end: RunEnd): string[] {
  const { outcomes, run } = summary
  const counts = Object.entries(outcomes)
    .filter(([, rows]) => rows > 0)
    .map(([outcome, rows]) => `${rows} ${outcome}`)
  if (summary.left > 0) counts.push(`${summary.left} left`)
  const unknown = summary.unknownCalls > 0 ? `, ${summary.unknownCalls} of unknown outcome` : ''
  const money = `${summary.pictures} pictures from ${summary.calls} calls${unknown}, $${summary.costUsd.toFixed(4)}`
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
async function failureLines({ run }: RunBooks, store: Store): Promise<string[]> {
  const bytes = await store.get(runKey(run, 'results.jsonl'), { bytesMax: RESULTS_BYTES_MAX })
  const byCode = new Map<string, RowResult[]>()
  for (const line of (bytes?.toString('utf8') ?? '').split('\n')) {
    if (line === '') continue
    const result = JSON.parse(line) as RowResult
    if (result.errorCode === null) continue
    byCode.set(result.errorCode, [...(byCode.get(result.errorCode) ?? []), result])
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
