/**
 * What a run shows while it works, on stderr: a live block on a terminal, sparse lines elsewhere; with --json,
 * JSON Lines on stdout instead.
 */
import { styleText } from 'node:util'
import type { Plan } from '../producer/plan.ts'
import type { RunBooks } from '../queue/ledger.ts'
import type { RenderCounts, RunTrouble } from '../queue/queue.ts'
import { summaryOf } from '../report/run-summary.ts'
import { count } from './count.ts'
import { formatBlock, formatLine, sittings } from './format-progress.ts'
import { formatTrouble } from './format-status.ts'
import type { Next } from './go-on.ts'
import { inFolder } from './in-folder.ts'
import { plannedCost } from './planned-cost.ts'
import { printEvent } from './print-event.ts'

export interface Progress {
  readonly asJson: boolean
  planned(manifest: string, plan: Plan): void
  started(facts: { run: string; kind: 'opened' | 'continued'; queue: string; store: string }): void
  /** A partial picture has come to this process. */
  previewed(): void
  advanced(books: RunBooks, now: { counts: RenderCounts; trouble: RunTrouble | undefined }): void
  note(text: string): void
  close(): void
}

/** Without a terminal: a line at most this often, and only when something moved. */
const LINE_EVERY_MS = 30_000
const LINE_EVERY_SHARE = 0.05
const JSON_EVERY_MS = 1_000

export function openProgress({ asJson, next }: { asJson: boolean; next: Next }): Progress {
  const isLive = process.stderr.isTTY && !asJson
  const sittingOf = sittings()
  let shownLines = 0
  let last = { at: 0, share: 0 }
  let previews = 0
  let saidPaused = false
  let saidTrouble: string | undefined

  const say = (text: string) => {
    clearBlock()
    process.stderr.write(`${text}\n`)
  }
  function clearBlock(): void {
    if (shownLines > 0) process.stderr.write(`\r\x1b[${shownLines}A\x1b[0J`)
    shownLines = 0
  }

  return {
    asJson,
    planned(manifest, plan) {
      const { rowCount, pictureCount, byOperation, costPlannedUsd, unpricedRowCount, warnings } =
        plan
      for (const warning of warnings) say(`${styleText('yellow', 'warning')} ${warning}`)
      const cost = plannedCost(plan)
      say(`${manifest}: ${count(rowCount, 'row')}, ${count(pictureCount, 'picture')}, ${cost}`)
      const price = { costPlannedUsd, unpricedRowCount }
      const facts = { manifest, rowCount, pictureCount, byOperation, ...price, warnings }
      if (asJson) printEvent({ v: 1, type: 'plan', ...facts })
    },
    started({ run, kind, queue, store }) {
      const where = inFolder(`queue ${queue}   → ${store}`)
      say(`${run}${kind === 'continued' ? ' goes on' : ''}   ${where}`)
      if (asJson) printEvent({ v: 1, type: 'started', run, kind, queue, store })
    },
    previewed() {
      previews += 1
    },
    advanced(books, { counts, trouble }) {
      const now = Date.now()
      const live = { ...sittingOf(books), previews }
      if (books.state === 'paused' && !saidPaused) {
        say(`${books.run} is paused, go on with  ${next(['unpause', books.run])}`)
      }
      saidPaused = books.state === 'paused'
      if (trouble !== undefined && trouble.message !== saidTrouble) {
        for (const line of formatTrouble(books.run, trouble)) say(line)
      }
      saidTrouble = trouble?.message
      if (isLive) {
        const width = process.stderr.columns
        const block = formatBlock(books, counts, { ...live, width })
        clearBlock()
        process.stderr.write(block.map((line) => `${line}\n`).join(''))
        shownLines = block.length
        return
      }
      const share = books.settled / books.rowCount
      const isDue = asJson
        ? now - last.at >= JSON_EVERY_MS
        : now - last.at >= LINE_EVERY_MS && share - last.share >= LINE_EVERY_SHARE
      const isEnd = share === 1 && last.share < 1
      if (!isDue && !isEnd) return
      last = { at: now, share }
      if (asJson) {
        printEvent({
          v: 1,
          type: 'progress',
          ...summaryOf(books),
          previews,
          queue: counts,
          trouble: trouble ?? null,
        })
      } else say(formatLine(books, counts, live))
    },
    note: say,
    close: clearBlock,
  }
}
