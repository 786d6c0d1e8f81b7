/** Enters the unsuccessful rows of a run as a new one; which of them, `--where` says. */
import { join } from 'node:path'
import { loadConfig } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { retryRun, type RowEnd } from '../producer/retry-run.ts'
import { matches, parseWhere } from '../producer/where.ts'
import { findRun } from '../report/find-run.ts'
import { count } from './count.ts'
import { leftToWorkers, nextCommand, type CarriedFlags } from './go-on.ts'
import { findingIn, openForLooking } from './looking.ts'
import { newRunId } from './plan.ts'

export interface RetryFlags extends CarriedFlags {
  where?: string
  json: boolean
}

export async function retry(name: string | undefined, flags: RetryFlags): Promise<void> {
  const config = loadConfig(flags)
  const where = flags.where === undefined ? () => true : resultFilter(flags.where)
  await using queue = await openForLooking(config, 'retry')
  await using found = await findRun(name, findingIn(queue, config))
  const { state, finishedAt } = found.summary
  if (state === 'cancelled' && finishedAt === null) {
    throw new ConfigError(
      `${found.run} is still being cancelled: retry it when a worker has closed it (where none is running:  ${nextCommand(['worker'], flags)})`,
    )
  }
  const as = newRunId()
  const workDir = join(config.stateDir, 'plans', as)
  const parts = { queue, store: found.store, workDir }
  const { run, rowCount } = await retryRun(found.run, { as, where }, parts)
  console.error(`${count(rowCount, 'row')} of ${found.run} queued again on ${queue.name}`)
  for (const line of leftToWorkers(run, flags)) console.error(line)
  console.log(flags.json ? JSON.stringify({ v: 1, run, rowCount, retryOf: found.run }) : run)
}

const FIELDS: Readonly<Record<string, (end: RowEnd) => string | number | null>> = {
  code: ({ errorCode }) => errorCode,
  error: ({ error }) => error,
  outcome: ({ outcome }) => outcome,
  id: ({ id }) => id,
  row: ({ row }) => row + 1,
  attempts: ({ attempts }) => attempts,
  calls: ({ calls }) => calls,
}

/** Throws ConfigError for an expression or a field that does not exist. */
export function resultFilter(text: string): (end: RowEnd) => boolean {
  const conditions = parseWhere(text)
  for (const { field } of conditions) {
    if (Object.hasOwn(FIELDS, field)) continue
    const meant = nearest(field, Object.keys(FIELDS))
    const guess =
      meant === undefined ? `it has ${Object.keys(FIELDS).join(', ')}` : `did you mean ${meant}?`
    throw new ConfigError(`--where: a result has no field "${field}": ${guess}`)
  }
  return (end) => matches(conditions, (field) => String(FIELDS[field]?.(end) ?? ''))
}
