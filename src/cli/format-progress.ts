/** Progress in words. Pure. */
import { styleText } from 'node:util'
import type { RunBooks } from '../queue/ledger.ts'
import type { RenderCounts } from '../queue/queue.ts'
import { summaryOf, unsuccessful } from '../report/run-summary.ts'

const BAR_WIDTH = 24

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
  const full = Math.round(share * BAR_WIDTH)
  const bar = styleText('green', '█'.repeat(full)) + '░'.repeat(BAR_WIDTH - full)
  // The bar's colour codes take no columns, so only the words behind it are cut to the terminal.
  const words = `${percent(share)}  ${tally(books, counts, live)}  ${pace(books, live)}`
  return [` ${bar} ${words.slice(0, Math.max(10, width - BAR_WIDTH - 3))}`]
}

export function formatLine(books: RunBooks, counts: RenderCounts, live: Live): string {
  const share = books.rowCount === 0 ? 1 : books.settled / books.rowCount
  return `${books.run} ${percent(share)} ${tally(books, counts, live)}  ${pace(books, live)}`
}

function tally(books: RunBooks, { active, delayed }: RenderCounts, { previews }: Live): string {
  const { outcomes } = books
  const failed = unsuccessful(summaryOf(books))
  return [
    `${outcomes.succeeded} ok`,
    ...(outcomes.reused > 0 ? [`${outcomes.reused} reused`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    `${active} active`,
    ...(previews > 0 ? [`${previews} partials`] : []),
    ...(delayed > 0 ? [`${delayed} delayed`] : []),
    `${books.rowCount - books.settled} left`,
    ...(books.state === 'paused' || books.state === 'cancelled' ? [books.state] : []),
  ].join('  ')
}

/** Rows that were reused say nothing about how fast calls are. */
function pace(
  { pictures, settled, outcomes, rowCount, costMicroUsd }: RunBooks,
  { elapsedMs, since }: Live,
): string {
  const minutes = elapsedMs / 60_000
  const rendered = settled - outcomes.reused - (since.settled - since.outcomes.reused)
  const picturesPerMinute = (pictures - since.pictures) / minutes
  const cost = `$${(costMicroUsd / 1_000_000).toFixed(2)}`
  if (rendered <= 0 || minutes === 0) return cost
  const leftMs = ((rowCount - settled) * elapsedMs) / rendered
  return `${cost}  ${picturesPerMinute.toFixed(1)} pictures/min  ETA ${duration(leftMs)}`
}

const percent = (share: number) => `${Math.floor(share * 100)} %`

export function duration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 90) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
