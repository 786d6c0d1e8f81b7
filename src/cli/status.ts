import { Command } from 'commander'
import type { Status } from '../report/status.ts'
import type { CarriedFlags } from './go-on.ts'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq status                          the latest runs
  $ renderq status run_7k3fq8m2xd           one run, and why its rows failed
  $ renderq status run_7k3fq8m2xd --watch   until it is over; ends as "renderq run" would have
  $ renderq status --json
`

const RUNS_SHOWN_MAX = 20

interface StatusFlags extends CarriedFlags {
  json: boolean
  watch: boolean
}

export function statusCommand(): Command {
  const command = new Command('status')
    .description('how runs stand, and why rows of a run failed')
    .argument('[run]', 'a run id; without it the latest runs')
    .addHelpText('before', EXAMPLES)
    .option('--watch', 'follow a run until it is over (default: the latest that is not)', false)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(
    async (run: string | undefined, flags: StatusFlags) => {
      if (flags.watch) {
        const { watchStatus } = await import('./watch-status.ts')
        process.exitCode = await watchStatus(run, flags)
        return
      }
      const { loadConfig } = await import('../config.ts')
      const { readRunStatus, readStatus } = await import('../report/status.ts')
      const { formatStatus } = await import('./format-status.ts')
      const { nextCommand } = await import('./go-on.ts')
      const { findingIn, openForLooking } = await import('./looking.ts')
      const config = loadConfig(flags)
      await using queue = await openForLooking(config, 'status')
      const finding = findingIn(queue, config)
      const status =
        run === undefined
          ? await readStatus(queue, { storage: config.storage, runsMax: RUNS_SHOWN_MAX })
          : await readRunStatus(run, finding)
      const next = (words: readonly string[]) => nextCommand(words, flags)
      console.log(
        flags.json ? JSON.stringify(jsonOf(status, run)) : formatStatus(status, next, finding.hint),
      )
    },
  )
}

function jsonOf(
  { runs, rows, brake, troubles, lost, results }: Status,
  run: string | undefined,
): unknown {
  const shared = { v: 1, queue: rows, brake: brake ?? null }
  if (run === undefined) return { ...shared, runs, troubles }
  const [trouble = null] = troubles
  return {
    ...shared,
    ...runs[0],
    trouble,
    isLost: lost !== undefined,
    failures: results?.failures ?? [],
  }
}
