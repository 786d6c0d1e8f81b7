import { Command } from 'commander'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'
import type { SteerFlags } from './steer-run.ts'

const EXAMPLES = `
Examples
  $ renderq pause run_7k3fq8m2xd       send no more; what was sent comes in and is stored
  $ renderq unpause run_7k3fq8m2xd     go on
`

export function pauseCommand(): Command {
  const command = new Command('pause')
    .description('send no more calls for a run; what was sent still comes in')
    .argument('<run>', 'a run id')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(async (run: string, flags: SteerFlags) => {
    const { steerRun } = await import('./steer-run.ts')
    await steerRun(run, 'pause', flags)
  })
}
