/** Resumes a run and says what that came to. */
import { loadConfig } from '../config.ts'
import { resumeRun, type Resumed } from '../producer/resume-run.ts'
import { findRun } from '../report/find-run.ts'
import { count } from './count.ts'
import { leftToWorkers, nextCommand, type CarriedFlags } from './go-on.ts'
import { findingIn, openForLooking } from './looking.ts'

export interface ResumeFlags extends CarriedFlags {
  json: boolean
}

export async function resume(name: string | undefined, flags: ResumeFlags): Promise<void> {
  const config = loadConfig(flags)
  await using queue = await openForLooking(config, 'resume')
  await using found = await findRun(name, findingIn(queue, config))
  const resumed = await resumeRun(found.run, { queue, store: found.store })
  if (flags.json) console.log(JSON.stringify({ v: 1, ...resumed }))
  else for (const line of formatResumed(resumed, flags)) console.log(line)
}

function formatResumed({ kind, run, state, rowsLeft }: Resumed, flags: CarriedFlags): string[] {
  const left = `${count(rowsLeft, 'row')} left`
  if (kind === 'over') {
    return [
      `${run} is over (${state}): there is nothing to go on with`,
      `  rows without pictures as a new run:  ${nextCommand(['retry', run], flags)}`,
    ]
  }
  const rebuilt = kind === 'rebuilt' ? ', rebuilt from the store' : ''
  if (state === 'cancelled') return [`${run} is cancelled${rebuilt}; calls that were sent come in`]
  return [`${run} goes on${rebuilt}: ${left}`, ...leftToWorkers(run, flags)]
}
