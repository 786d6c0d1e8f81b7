import { Command } from 'commander'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'
import type { ResumeFlags } from './resume-run.ts'

const EXAMPLES = `
Examples
  $ renderq resume                         the latest run
  $ renderq resume run_7k3fq8m2xd          also after the whole queue was lost: it is rebuilt from the store
`

export function resumeCommand(): Command {
  const command = new Command('resume')
    .description(
      'let a run go on that was paused, stopped or lost; stored rows are not called again',
    )
    .argument('[run]', 'a run id (default: the latest run)')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(
    async (run: string | undefined, flags: ResumeFlags) => {
      const { resume } = await import('./resume-run.ts')
      await resume(run, flags)
    },
  )
}
