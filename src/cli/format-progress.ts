/** Progress in words. Pure. */
import { styleText } from 'node:util'
import type { RunBooks } from '../queue/ledger.ts'
import type { RenderCounts } from '../queue/queue.ts'
import { summaryOf, unsuccessful } from '../report/run-summary.ts'

/** The widest is taken that leaves the words their place, the last of them aside. */
const BAR_WIDTHS = [24, 12, 0]

/** Since when the pace is measured, and how the run stood then: rows of earlier sittings say nothing about it. */
export interface Sitting {
  elapsedMs: number
  since: RunBooks
}

interface Live extends Sitting {
  /** Partial pictures that came so far: calls that show signs of life. */
  previews: number
}

/** To be asked at every look; a pause ends a sitting. */
export function sittings(): (books: RunBooks) => Sitting {
  let since: RunBooks | undefined
  let startedAt = 0
  return (books) => {
    if (since === undefined || books.state !== 'running') {
      since = books
      startedAt = Date.now()
    }
    return { elapsedMs: Date.now() - startedAt, since }
  }
}

export function formatBlock(
  books: RunBooks,
  counts: RenderCounts,
  { width = 80, ...live }: Live & { width?: number | undefined },
): string[] {
  const share = books.rowCount === 0 ? 1 : books.settled / books.rowCount
  const words = [percent(share), ...tally(books, counts, live), ...pace(books, live)]
  const wordsWidth = words.slice(0, -1).join('  ').length
  const barWidth = BAR_WIDTHS.find((bar) => wordsWidth <= width - bar - 3) ?? 0
  const full = Math.round(share * barWidth)
  const bar = styleText('green', '█'.repeat(full)) + '░'.repeat(barWidth - full)
  return [` ${bar} ${fitting(words, width - barWidth - 3)}`.replace(/^ {2}/, ' ')]
}

/** Without the last words, where they would not stand in the line whole. */
function fitting(words: readonly string[], width: number): string {
  const fits = words.findLastIndex((_, last) => words.slice(0, last + 1).join('  ').length <= width)
  return words.slice(0, Math.max(0, fits) + 1).join('  ')
}

export function formatLine(books: RunBooks, counts: RenderCounts, live: Live): string {
  const share = books.rowCount === 0 ? 1 : books.settled / books.rowCount
  const words = [...tally(books, counts, live), ...pace(books, live)]
  return `${books.run} ${percent(share)} ${words.join('  ')}`
}

function tally(books: RunBooks, { active, delayed }: RenderCounts, { previews }: Live): string[] {
  const { outcomes } = books
  const left = books.rowCount - books.settled
  const failed = unsuccessful(summaryOf(books))
  return [
    `${outcomes.succeeded} ok`,
    ...(outcomes.reused > 0 ? [`${outcomes.reused} reused`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    // A worker looks away from its last row a moment after that is settled.
    ...(left > 0 ? [`${active} active`] : []),
    ...(previews > 0 ? [`${previews} partials`] : []),
    ...(delayed > 0 ? [`${delayed} delayed`] : []),
    `${left} left`,
    ...(books.state === 'paused' || books.state === 'cancelled' ? [books.state] : []),
  ]
}

/** Rows that were reused say nothing about how fast calls are. */
function pace(
  { pictures, settled, outcomes, rowCount, costMicroUsd }: RunBooks,
  { elapsedMs, since }: Live,
): string[] {
  const minutes = elapsedMs / 60_000
  const rendered = settled - outcomes.reused - (since.settled - since.outcomes.reused)
  const picturesPerMinute = (pictures - since.pictures) / minutes
  const cost = `$${(costMicroUsd / 1_000_000).toFixed(2)}`
  if (rendered <= 0 || minutes === 0) return [cost]
  const leftMs = ((rowCount - settled) * elapsedMs) / rendered
  return [cost, `ETA ${duration(leftMs)}`, `${picturesPerMinute.toFixed(1)} pictures/min`]
}

const percent = (share: number) => `${Math.floor(share * 100)} %`

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
