/**
 * `report.html` of a run: one file that needs nothing else, with a contact sheet, what failed and why, cost and time.
 * Rows go to the file as they come; only sums and two pictures at a time are held.
 */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RunDocument } from '../run-document.ts'
import type { Store } from '../storage/store.ts'
import { clientScript } from './html/client-script.ts'
import { embedJson } from './html/embed-json.ts'
import { pageFrame } from './html/page.ts'
import type { ReportedOutcome } from './html/report-data.ts'
import { outcomeOf, rowData } from './html/row-data.ts'
import { Thumbnails, type Thumbnail } from './html/thumbnails.ts'
import { Totals } from './html/totals.ts'
import type { ReportRow } from './report-row.ts'

/** At 4 to 6 kB each in the file that is some 10 MB, and more than a person looks through. */
const THUMBNAILS_MAX = 2_000
/** A run is over only when its report is written. Of pictures of 1024 x 1024, two cores make 2,000 in 40 to 50 s. */
const THUMBNAILS_TIME_BUDGET_MS = 60_000
/** One is fetched while another is shrunk. */
const THUMBNAILS_AT_ONCE = 2

/** Some 80,000 rows of usual prompts, which a browser shows within seconds. `results.csv` holds all. */
const LISTED_BYTES_MAX = 64 * 1024 * 1024
/** Beyond that, rows without a picture are still listed up to here: they are what people look for. */
const LISTED_FAILURES_BYTES_MAX = 80 * 1024 * 1024

export interface ReportOptions {
  rows: AsyncIterable<ReportRow>
  run: RunDocument
  /** Where the pictures are. */
  store: Store
  file: string
  /** Of the first rows that have a picture. */
  thumbnailsMax?: number
  signal?: AbortSignal
}

/** Leaves no file behind when it fails. */
export async function writeReport(options: ReportOptions): Promise<void> {
  const { file, signal } = options
  const text = Readable.from(reportText(options, await clientScript()))
  try {
    await pipeline(text, createWriteStream(file), signal === undefined ? {} : { signal })
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

async function* reportText(options: ReportOptions, script: string): AsyncGenerator<string> {
  const { rows, run, store, thumbnailsMax = THUMBNAILS_MAX, signal } = options
  const frame = pageFrame(script)
  const totals = new Totals(run)
  const thumbnails = new Thumbnails(store, {
    countMax: thumbnailsMax,
    timeBudgetMs: THUMBNAILS_TIME_BUDGET_MS,
    signal,
  })
  const listing = new Listing()
  const isOver = run.state === 'finished' || run.state === 'cancelled'

  yield frame.beforeRows
  for await (const { row, thumbnail } of withThumbnails(rows, thumbnails)) {
    const outcome = outcomeOf(row, isOver)
    totals.add(row, outcome)
    yield listing.textOf(embedJson(rowData(row, { outcome, thumbnail })), outcome)
  }
  yield frame.beforeSummary
  yield embedJson(totals.summary({ rowsListed: listing.rows, thumbnails: thumbnails.made }))
  yield frame.afterSummary
}

interface RowWithThumbnail {
  row: ReportRow
  thumbnail: Thumbnail | undefined
}

/** Makes the next thumbnails while one is waited for; rows stay in order. */
async function* withThumbnails(
  rows: AsyncIterable<ReportRow>,
  thumbnails: Thumbnails,
): AsyncGenerator<RowWithThumbnail> {
  const ahead: Promise<RowWithThumbnail>[] = []
  try {
    for await (const row of rows) {
      ahead.push(withThumbnail(row, thumbnails))
      const first = ahead.length < THUMBNAILS_AT_ONCE ? undefined : ahead.shift()
      if (first !== undefined) yield await first
    }
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) yield await next
  } finally {
    await Promise.all(ahead)
  }
}

async function withThumbnail(row: ReportRow, thumbnails: Thumbnails): Promise<RowWithThumbnail> {
  const [key] = row.result?.keys ?? []
  return { row, thumbnail: key === undefined ? undefined : await thumbnails.of(key) }
}

/** Which rows the page carries, in bytes: a manifest of a million rows must not become a page nobody can open. */
class Listing {
  rows = 0
  #bytes = 0

  /** The row as the next element of the array; nothing when there is no more room for it. */
  textOf(json: string, outcome: ReportedOutcome): string {
    const hasPicture = outcome === 'succeeded' || outcome === 'reused'
    const bytesMax = hasPicture ? LISTED_BYTES_MAX : LISTED_FAILURES_BYTES_MAX
    const bytes = Buffer.byteLength(json)
    if (this.#bytes + bytes > bytesMax) return ''
    const separator = this.rows === 0 ? '\n' : ',\n'
    this.rows += 1
    this.#bytes += bytes
    return separator + json
  }
}
