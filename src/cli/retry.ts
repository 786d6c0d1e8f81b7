import { Command } from 'commander'
import { addSettings, jsonFlag, listedTogether, STORE_AND_QUEUE } from './options.ts'
import type { RetryFlags } from './retry-rows.ts'

const EXAMPLES = `
Examples
  $ renderq retry                                          rows of the latest run without pictures, as a new run
  $ renderq retry run_7k3fq8m2xd --where 'code=api_unavailable'
  $ renderq retry --where 'code!=content_refused,id~mug'
`

export function retryCommand(): Command {
  const command = new Command('retry')
    .description('enter the failed, refused, held and cancelled rows of a run as a new run')
    .argument('[run]', 'a run id (default: the latest run)')
    .addHelpText('before', EXAMPLES)
    .option(
      '--where <conditions>',
      'only rows that ended so: field=value, field!=value, field~part',
      listedTogether,
    )
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(
    async (run: string | undefined, flags: RetryFlags) => {
      const { retry } = await import('./retry-rows.ts')
      await retry(run, flags)
    },
  )
}
