/** What a run says at its end: counts, cost, why rows failed and what helps, and how to go on. */
import { styleText } from 'node:util'
import type { Ledger, RunBooks } from '../queue/ledger.ts'
import { readRowResults, type RowResults } from '../report/row-results.ts'
import { summaryOf, unsuccessful, type RunSummary } from '../report/run-summary.ts'
import { runKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'
import { readDocument } from '../storage/stored-run.ts'
import { whatHelps } from '../what-helps.ts'
import { count } from './count.ts'
import { formatFailures } from './format-failures.ts'
import { duration } from './format-progress.ts'
import { formatReasons } from './format-reasons.ts'
import { sameCommand, type Next } from './go-on.ts'
import { inFolder } from './in-folder.ts'
import { printEvent } from './print-event.ts'
import { printable } from './printable.ts'
import type { RunEnd } from './run-manifest.ts'

export interface RunEndOptions {
  end: RunEnd
  ledger: Ledger
  store: Store
  asJson: boolean
  isEmulated: boolean
  next: Next
}

export async function printEnd(
  books: RunBooks,
  { end, ledger, store, asJson, isEmulated, next }: RunEndOptions,
): Promise<void> {
  const summary = summaryOf(books)
  const results = await readRowResults(books, { ledger, store })
  // Of a run that is over, those of all its rows.
  const document = await readDocument(books.run, store).catch(() => undefined)
  const { reasons = results.reasons } = document ?? {}
  const why = formatReasons(reasons)
  const picturesAt = store.locationOf(results.folder)
  const lines = [
    ...headline(summary, end),
    ...(why === undefined ? [] : [`  ${why}`]),
    ...costNotes(summary, results, isEmulated),
    ...formatFailures(results),
    `  pictures  ${inFolder(picturesAt)}`,
    ...(end.kind === 'finished'
      ? filesOf(summary, (name) => inFolder(store.locationOf(runKey(books.run, name))), next)
      : [
          ...(books.state === 'paused' ? [`  paused    ${next(['unpause', books.run])}`] : []),
          '  go on     run the same command again, stored rows are not called again:',
          `            ${sameCommand()}`,
        ]),
  ]
  for (const line of lines) console.error(line)
  if (asJson) {
    const { failures } = results
    printEvent({ v: 1, type: 'summary', ...summary, reasons, failures, picturesAt })
  } else if (!process.stdout.isTTY) {
    // For scripts; on a terminal the line above says it.
    console.log(picturesAt)
  }
}

/** Where to look, and what to do about rows without pictures: they are a manifest, to be corrected or tried again. */
function filesOf(summary: RunSummary, fileAt: (name: string) => string, next: Next): string[] {
  const report = `  report    ${fileAt('report.html')}`
  if (unsuccessful(summary) === 0 && summary.state !== 'cancelled') return [report]
  return [
    report,
    `  to fix    ${fileAt('failed.jsonl')}`,
    `  retry     ${next(['retry', summary.run])}`,
  ]
}

function costNotes(
  { unknownCalls }: RunSummary,
  { unpricedRows }: RowResults,
  isEmulated: boolean,
): string[] {
  return [
    ...(unknownCalls > 0
      ? [`  ${count(unknownCalls, 'call')} of unknown outcome may be paid, and are not in that sum`]
      : []),
    ...(unpricedRows > 0
      ? [`  the cost of ${count(unpricedRows, 'row')} is unknown and not in that sum`]
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
      const ended = summary.state === 'cancelled' ? 'was cancelled after' : 'finished in'
      return [`${run} ${ended} ${took}: ${counts.join(', ')}`, `  ${money}`]
    }
    case 'stopped':
      return [`${run} stopped: ${counts.join(', ')}`, `  ${money}`]
    case 'stuck':
      return [
        `${run} ${styleText('red', 'stopped')}: its steps fail, and nothing has moved for a long time: ${printable(end.trouble.message)}`,
        `  ${counts.join(', ')}; ${money}`,
      ]
    case 'braked':
      return [
        `${run} ${styleText('red', 'stopped')}: ${end.brake.reason}`,
        `  ${counts.join(', ')}; ${money}`,
        `  ${whatHelps(end.brake.code)}`,
      ]
  }
}
