import { Command } from 'commander'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'
import type { SteerFlags } from './steer-run.ts'

const EXAMPLES = `
Examples
  $ renderq cancel run_7k3fq8m2xd      keep what is finished, render no more
  $ renderq retry run_7k3fq8m2xd       the rows that were left, as a new run
`

export function cancelCommand(): Command {
  const command = new Command('cancel')
    .description('end a run early; finished pictures stay')
    .argument('<run>', 'a run id')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(async (run: string, flags: SteerFlags) => {
    const { steerRun } = await import('./steer-run.ts')
    await steerRun(run, 'cancel', flags)
  })
}
