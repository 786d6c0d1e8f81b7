/** Why a row was rendered or not: the words that results, the run's summary and `why` share. */
import type { RenderJob } from './job.ts'
import type { RenderRecord } from './record.ts'

export const REASONS = [
  'new',
  'changed',
  'input-changed',
  'forced',
  'record-missing',
  'unchanged',
  'kept',
] as const
export type Reason = (typeof REASONS)[number]

export const REASON_MEANINGS =
  'new: nothing was stored at its place. changed: an older version of the row was. ' +
  'input-changed: an input picture behind a URL is another one (--check-inputs). forced: --force. ' +
  'record-missing: its pictures were there, so nothing was called. unchanged: the same request was ' +
  'rendered before. kept: an older version was to be kept (--existing keep).'

/** Rows by reason. */
export type ReasonCounts = Record<Reason, number>

export const noReasons = (): ReasonCounts =>
  Object.fromEntries(REASONS.map((reason) => [reason, 0])) as ReasonCounts

export function countReason(
  counts: ReasonCounts,
  { reason }: { reason?: Reason | undefined },
): void {
  if (reason !== undefined) counts[reason] += 1
}

/** Follows from the record that the row has ended with, so it is the same whoever asks, and after a crash. */
export function reasonOf(
  { run, fingerprint, force }: Pick<RenderJob, 'run' | 'fingerprint' | 'force'>,
  record: RenderRecord,
): Reason {
  if (record.run !== run) return record.fingerprint === fingerprint ? 'unchanged' : 'kept'
  if (record.calls === 0) return 'record-missing'
  if (force === true) return 'forced'
  if (record.previous !== undefined) return 'input-changed'
  return record.pictures.some(({ replaced }) => replaced !== undefined) ? 'changed' : 'new'
}
