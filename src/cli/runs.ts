import { Command, InvalidArgumentError } from 'commander'
import type { CarriedFlags } from './go-on.ts'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq runs                    the latest runs
  $ renderq runs --limit 100
  $ renderq runs --json | jq '.runs[] | select(.left > 0) | .run'
`

interface RunsFlags extends CarriedFlags {
  limit: number
  json: boolean
}

export function runsCommand(): Command {
  const command = new Command('runs')
    .description('the latest runs: how far they are, what failed, what they cost')
    .addHelpText('before', EXAMPLES)
    .option('--limit <count>', 'so many at most', upTo(1_000), 20)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(async (flags: RunsFlags) => {
    const { loadConfig } = await import('../config.ts')
    const { findingIn, openForLooking } = await import('./looking.ts')
    const { listRuns } = await import('../report/list-runs.ts')
    const { formatRuns } = await import('./format-runs.ts')
    const { nextCommand } = await import('./go-on.ts')
    const config = loadConfig(flags)
    await using queue = await openForLooking(config, 'runs')
    const list = await listRuns(queue, { storage: config.storage, runsMax: flags.limit })
    const next = (words: readonly string[]) => nextCommand(words, flags)
    const { hint } = findingIn(queue, config)
    const around = { queue: queue.name, next, hint }
    console.log(flags.json ? JSON.stringify({ v: 1, ...list }) : formatRuns(list, around))
  })
}

function upTo(max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (number >= 1 && number <= max) return number
    throw new InvalidArgumentError(`must be a whole number from 1 to ${max}`)
  }
}
