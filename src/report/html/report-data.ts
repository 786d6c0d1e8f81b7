/**
 * What `report.html` carries as data, in two JSON blocks: a `RowData` per listed row, and one `ReportSummary`. The page's
 * own script reads the same types, so nothing here may need Node.
 */
import type { Outcome } from '../../outcome.ts'

/** `left`: the run was not over for this row when the report was written. */
export type ReportedOutcome = Outcome | 'left'

/** Why a row with a picture has no thumbnail. */
export type NoThumbnail = 'beyond-count' | 'beyond-time' | 'missing' | 'unreadable'

export interface RowData {
  /** One-based, as a person counts: among those of the run. */
  row: number
  /** Where it begins in the manifest, one-based. */
  line?: number | undefined
  id: string
  outcome: ReportedOutcome
  operation: string
  prompt?: string | undefined
  /** The request's parameters other than the prompt. */
  parameters: Readonly<Record<string, unknown>>
  /** Input pictures, mask and markup: where they come from. */
  inputs: readonly string[]
  /** The row's own columns, each cut to a length a page can show. */
  columns: Readonly<Record<string, string>>
  keys: readonly string[]
  locations: readonly string[]
  /** A data URI. */
  thumbnail?: string | undefined
  noThumbnail?: NoThumbnail | undefined
  width?: number | undefined
  height?: number | undefined
  byteCount?: number | undefined
  costUsd?: number | undefined
  attempts?: number | undefined
  calls?: number | undefined
  unknownCalls?: number | undefined
  elapsedMs?: number | undefined
  requestMs?: number | undefined
  /** Unix ms. */
  endedAt?: number | undefined
  errorCode?: string | undefined
  error?: string | undefined
  requestId?: string | undefined
}

/** All rows that ended without a picture for one cause. */
export interface Cause {
  /** The error code, or the outcome of rows that ended without an error. */
  code: string
  rows: number
  /** Of the first few rows. */
  ids: string[]
  /** The first few different messages, the commonest first. */
  messages: { text: string; rows: number }[]
  help: string
}

export interface CostGroup {
  value: string
  rows: number
  /** Rendered by this run: a reused one costs nothing now. */
  pictures: number
  unsuccessful: number
  costUsd: number
  /** Rows with pictures of this run whose cost nobody knows. */
  unpricedRows: number
}

/** One way to divide the rows: a parameter, or a column with few different values. */
export interface CostDivision {
  name: string
  isColumn: boolean
  groups: CostGroup[]
}

/** Pictures by time: `pictures[i]` were stored in the `bucketMs` from `firstMs + i * bucketMs` after the start. */
export interface Pace {
  bucketMs: number
  firstMs: number
  pictures: number[]
}

/** How long answered calls took. `counts[i]` took from `bounds[i]` to below `bounds[i + 1]`, in ms. */
export interface Latency {
  calls: number
  bounds: number[]
  counts: number[]
  p50Ms: number
  p90Ms: number
  p99Ms: number
}

export interface RunFacts {
  run: string
  manifest: string
  manifestSha256: string
  store: string
  state: string
  rows: number
  picturesPlanned: number
  pictures: number
  byOperation: Readonly<Record<string, number>>
  costPlannedUsd: number | null
  costUsd: number
  calls: number
  unknownCalls: number
  outcomes: Readonly<Record<Outcome, number>>
  left: number
  priority: string
  flags: Readonly<Record<string, unknown>>
  retryOf: string | null
  schedule: string | null
  versions: { renderq: string; node: string }
  /** ISO 8601. */
  enteredAt: string
  finishedAt: string | null
}

export interface ReportSummary {
  run: RunFacts
  /** The manifest's columns, for the choice of where to look for a text. */
  columns: readonly string[]
  /** As counted in the rows themselves; they should equal the books of the run. */
  counted: Readonly<Record<ReportedOutcome, number>>
  rowsListed: number
  causes: readonly Cause[]
  costs: readonly CostDivision[]
  pace: Pace | null
  latency: Latency | null
  thumbnails: number
}
