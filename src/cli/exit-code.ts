import { EXIT } from '../errors.ts'
import { unsuccessful, type RunSummary } from '../report/run-summary.ts'

/** What a run that is over means for the process: rows without pictures are worth a code of their own. */
export function exitCodeOfRun(summary: Pick<RunSummary, 'outcomes'>): number {
  const withoutPictures = unsuccessful(summary) + summary.outcomes.cancelled
  return withoutPictures > 0 ? EXIT.rowsFailed : EXIT.ok
}
