import { Command } from 'commander'
import type { Status } from '../report/status.ts'
import { addSettings, jsonFlag } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq status                  the latest runs
  $ renderq status run_7k3fq8m2xd   one run
  $ renderq status --json
`

const RUNS_SHOWN_MAX = 20

export function statusCommand(): Command {
  const command = new Command('status')
    .description('how runs stand')
    .argument('[run]', 'a run id; without it the latest runs')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  return addSettings(command, ['queueUrl', 'stateDir', 'namespace', 'logLevel']).action(
    async (run: string | undefined, flags: { json: boolean }) => {
      const { loadConfig } = await import('../config.ts')
      const { openLogger } = await import('../logger.ts')
      const { openQueue } = await import('../queue/open-queue.ts')
      const { readStatus } = await import('../report/status.ts')
      const { formatStatus } = await import('./format-status.ts')
      const config = loadConfig(flags)
      const logger = openLogger(config.logLevel)
      await using queue = await openQueue(config.queue, {
        command: 'status',
        works: false,
        onTrouble: (message) => logger.warn(message),
      })
      const status = await readStatus(queue, { run, runsMax: RUNS_SHOWN_MAX })
      console.log(flags.json ? JSON.stringify(jsonOf(status, run)) : formatStatus(status))
    },
  )
}

function jsonOf({ runs, rows, brake }: Status, run: string | undefined): unknown {
  const shared = { v: 1, queue: rows, brake: brake ?? null }
  return run === undefined ? { ...shared, runs } : { ...shared, ...runs[0] }
}
