import { Command } from 'commander'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'
import type { SteerFlags } from './steer-run.ts'

const EXAMPLES = `
Examples
  $ renderq unpause run_7k3fq8m2xd     go on where it was paused
`

export function unpauseCommand(): Command {
  const command = new Command('unpause')
    .description('let a paused run go on')
    .argument('<run>', 'a run id')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(async (run: string, flags: SteerFlags) => {
    const { steerRun } = await import('./steer-run.ts')
    await steerRun(run, 'unpause', flags)
  })
}
