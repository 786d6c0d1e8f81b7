/** Finds the run or the row that was named and prints what is known of it. */
import { loadConfig } from '../config.ts'
import { findRun } from '../report/find-run.ts'
import { runDetails } from '../report/show-run.ts'
import { rowDetails } from '../report/show-row.ts'
import { formatRow } from './format-row.ts'
import { formatRun } from './format-run.ts'
import { nextCommand, type CarriedFlags } from './go-on.ts'
import { findingIn, openForLooking } from './looking.ts'

export interface ShowFlags extends CarriedFlags {
  json: boolean
}

export async function show(what: string, flags: ShowFlags): Promise<void> {
  const config = loadConfig(flags)
  // An id may hold slashes, a run id does not.
  const [run = '', ...rest] = what.split('/')
  const id = rest.join('/')
  await using queue = await openForLooking(config, 'show')
  await using found = await findRun(run, findingIn(queue, config))
  const next = (words: readonly string[]) => nextCommand(words, flags)
  if (id === '') {
    const details = await runDetails(found, queue.ledger)
    print(flags, { ...details.facts, ...details, facts: undefined }, () => formatRun(details, next))
  } else {
    const details = await rowDetails(id, found, queue.ledger)
    print(flags, details, () => formatRow(details, next))
  }
}

function print({ json }: ShowFlags, value: object, format: () => string[]): void {
  console.log(json ? JSON.stringify({ v: 1, ...value }) : format().join('\n'))
}
