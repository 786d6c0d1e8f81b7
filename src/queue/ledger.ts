/**
 * The ledger: the shared, atomic books of the runs. Every worker of every machine asks it before a call and
 * tells it after. `redis-ledger.ts` and `postgres-ledger.ts` implement it; test/conformance/ledger.ts says what
 * both must do. It can be lost and rebuilt: the store is the truth.
 */
import type { CallFate } from '../errors.ts'
import type { RunId } from '../job.ts'
import type { Outcome, Priority } from '../outcome.ts'
import type { RowResult } from '../row-result.ts'

export type { RowResult } from '../row-result.ts'

/** A run as it is entered: everything a worker needs to feed, collect and finish it. */
export interface RunEntry {
  run: RunId
  /** Name of the manifest, as it appears in object keys. */
  manifest: string
  /** Equal digests are the same work; an unfinished run with it is continued instead of doubled. */
  digest: string
  rowCount: number
  /** Where its manifest and its pictures are: a worker with another store must leave it alone. */
  store: string
  /** The stored manifest parts, in order. Row ordinals run through them without gaps. */
  parts: readonly ManifestPart[]
  /** Absent: normal. */
  priority?: Priority
  /** Unix ms. */
  enteredAt: number
}

export interface ManifestPart {
  firstRow: number
  rowCount: number
}

/** A cancelled run is over only when it has `finishedAt`: until then, calls that were sent come in. */
export type RunState = 'running' | 'paused' | 'cancelled' | 'finished'
export type Steering = 'pause' | 'unpause' | 'cancel'

export interface RunBooks extends RunEntry {
  state: RunState
  /** Unix ms, when nothing about the run will change any more. */
  finishedAt?: number
  outcomes: Record<Outcome, number>
  /** Rows with an outcome: the sum of `outcomes`. */
  settled: number
  pictures: number
  /** Requests that were really sent. */
  calls: number
  /** Calls nobody can say anything about: booked as paid. */
  unknownCalls: number
  /** Actual cost, in millionths of a US dollar. Rows of unknown cost add nothing. */
  costMicroUsd: number
  /** Result parts already written to the store. */
  resultParts: number
}

export interface RowClaim {
  run: RunId
  row: number
  fingerprint: string
}

export interface BeginOptions {
  /** False when the answer is already in the spool: the row is claimed, but no call is booked. */
  calling: boolean
  /** After this many calls of unknown outcome the row is held instead of called again. */
  unknownCallsMax: number
}

export type Begin =
  /** Go on; carry `epoch` into every later change. `calls` counts this row's calls with this one. */
  | { kind: 'go'; epoch: number; calls: number; unknownCalls: number }
  /** The row already has an outcome. */
  | { kind: 'done' }
  /** Another run is calling for the same fingerprint right now: wait, then find its record. */
  | { kind: 'busy' }
  /** Too many calls of this row ended unknown. */
  | { kind: 'held'; calls: number; unknownCalls: number }
  /**
   * Nothing may be called for this row now: its run is paused, or cancelled while the row's answer waits in another
   * worker's spool. What is in the spool already may still be stored.
   */
  | { kind: 'paused' }
  /** The run was cancelled, is over, or is not known here. */
  | { kind: 'cancelled' }

export interface Settlement {
  /** The epoch given by `begin`; null for a row that ended before it was begun (reused, bad input). */
  epoch: number | null
  /**
   * What became of the row's last call. `unpaid` when its answer is stored (paid, but nothing unknown about
   * it); with a null epoch, `presumed-paid` books a call that an earlier worker began and never reported.
   */
  callFate: CallFate
  result: RowResult
}

/** What became of the call of an attempt that did not end its row. `answered`: the answer waits in a spool. */
export type ReleasedCall = CallFate | 'answered'

/** Rows with a call that has not come to its end. */
export interface RowsInFlight {
  /** A call was booked, and nobody has said what became of it. */
  calling: number[]
  /** The answer has come, is paid, and waits in a spool to be stored. */
  answered: number[]
}

/** `stale`: another worker has begun the row since; nothing was changed. */
export type Settled = 'settled' | 'already' | 'stale'

export interface Brake {
  code: string
  reason: string
  /** Unix ms. */
  until: number
}

/**
 * How long a mark of a call in flight keeps other runs from calling for the same fingerprint, when its
 * owner has vanished together with its queue. Longer than any call may take.
 */
export const FLIGHT_LEASE_MS = 2 * 3_600_000

export interface Ledger {
  /** Enters the run, or names the unfinished run of the same digest that is to be continued. */
  openRun(entry: RunEntry): Promise<{ kind: 'opened' | 'continued'; run: RunId }>
  findUnfinished(digest: string): Promise<RunId | undefined>
  books(run: RunId): Promise<RunBooks | undefined>
  /** The latest runs first. */
  latestRuns(countMax: number): Promise<RunBooks[]>
  /** Changes the state where it can be changed so; gives the state afterwards, undefined for an unknown run. */
  steer(run: RunId, steering: Steering): Promise<RunState | undefined>
  /** In ascending order. */
  rowsInFlight(run: RunId): Promise<RowsInFlight>
  /** What is still answered and not stored will not be: it is booked as calls of unknown outcome. */
  giveUpAnswers(run: RunId): Promise<void>

  begin(claim: RowClaim, options: BeginOptions): Promise<Begin>
  /** The attempt is over, the row is not. False when the epoch is no longer current. */
  release(claim: RowClaim, epoch: number, call: ReleasedCall): Promise<boolean>
  /** The row is over. Idempotent; the first outcome stands. */
  settle(claim: RowClaim, settlement: Settlement): Promise<Settled>

  /** Row ordinals without an outcome in [firstRow, firstRow + rowCount). */
  unsettledRows(run: RunId, firstRow: number, rowCount: number): Promise<number[]>
  /** Results not yet written to the store, in a stable order. */
  uncollected(run: RunId, countMax: number): Promise<RowResult[]>
  /**
   * Those results are stored as part `part` (zero-based): their rows are no longer to be collected, and one that has
   * no outcome here, because the ledger was lost since, gets it back. False when the part was booked before, is not
   * the next one, or the run is over or not known.
   */
  bookPart(run: RunId, part: number, results: readonly RowResult[]): Promise<boolean>
  /** The books are closed; what has no outcome in a cancelled run counts as cancelled. */
  finishRun(run: RunId, finishedAt: number): Promise<void>

  /** Tells everyone why nothing may be called until then. */
  setBrake(brake: Brake): Promise<void>
  clearBrake(): Promise<void>
  brake(): Promise<Brake | undefined>
}
