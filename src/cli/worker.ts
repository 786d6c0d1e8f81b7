import { Command } from 'commander'
import { addSettings, STORE_AND_QUEUE, WORKING } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq worker                                     this folder's embedded queue
  $ QUEUE_URL=redis://… STORAGE_URL=s3://bucket renderq worker --concurrency 16
  $ node dist/cli.js worker                            in containers: npm would not pass signals on
`

export function workerCommand(): Command {
  const command = new Command('worker')
    .description('take rows from the queue and render them, until stopped')
    .addHelpText('before', EXAMPLES)
  return addSettings(command, [...STORE_AND_QUEUE, ...WORKING, 'scheduleRoot']).action(
    async (flags: object) => {
      const { loadConfig } = await import('../config.ts')
      const { work } = await import('./work.ts')
      process.exitCode = await work(loadConfig(flags))
    },
  )
}
