/** What `status --watch` shows on stdout: a live block on a terminal, elsewhere a line whenever something moved. */
import type { Brake, RunBooks } from '../queue/ledger.ts'
import type { RenderCounts, RunTrouble } from '../queue/queue.ts'
import { summaryOf } from '../report/run-summary.ts'
import { formatBlock, formatLine, sittings } from './format-progress.ts'
import { formatBrake, formatTrouble } from './format-status.ts'
import type { Next } from './go-on.ts'
import { printEvent } from './print-event.ts'

/** One look at a run. */
export interface Sight {
  books: RunBooks
  counts: RenderCounts
  brake: Brake | undefined
  trouble: RunTrouble | undefined
}

export interface WatchView {
  show(sight: Sight): void
  end(text: string): void
}

export function openWatchView({ asJson, next }: { asJson: boolean; next: Next }): WatchView {
  const isLive = process.stdout.isTTY && !asJson
  const sittingOf = sittings()
  let shown = ''
  let shownLines = 0

  const clear = () => {
    if (shownLines > 0) process.stdout.write(`\r\x1b[${shownLines}A\x1b[0J`)
    shownLines = 0
  }
  return {
    show({ books, counts, brake, trouble }) {
      const live = { ...sittingOf(books), previews: 0 }
      const summary = summaryOf(books)
      const moved = JSON.stringify([summary, brake?.code, trouble?.message])
      if (!isLive && moved === shown) return
      shown = moved
      const stopped = [
        ...(brake === undefined ? [] : formatBrake(brake, [summary], next)),
        ...(trouble === undefined ? [] : formatTrouble(books.run, trouble)),
      ]
      if (asJson) {
        const facts = { ...summary, queue: counts, brake: brake ?? null, trouble: trouble ?? null }
        printEvent({ v: 1, type: 'progress', ...facts })
      } else if (isLive) {
        const width = process.stdout.columns
        const block = [
          `${books.run}   ${books.manifest}   → ${books.store}`,
          ...formatBlock(books, counts, { ...live, width }),
          ...stopped,
        ]
        clear()
        process.stdout.write(block.map((line) => `${line}\n`).join(''))
        shownLines = rowsOnScreen(block, width)
      } else {
        for (const line of [formatLine(books, counts, live), ...stopped]) console.log(line)
      }
    },
    end(text) {
      clear()
      if (!asJson) console.log(text)
    },
  }
}

/** Lines wider than the terminal take several of its rows. Colour codes take none. */
function rowsOnScreen(lines: readonly string[], width: number): number {
  const rows = lines.map((line) => {
    // oxlint-disable-next-line no-control-regex
    const shown = line.replace(/\x1b\[[0-9;]*m/g, '').length
    return Math.max(1, Math.ceil(shown / Math.max(1, width)))
  })
  return rows.reduce((sum, count) => sum + count, 0)
}
