import { Command } from 'commander'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'
import type { ShowFlags } from './show-run.ts'

const EXAMPLES = `
Examples
  $ renderq show run_7k3fq8m2xd              what the run was, what it came to, where its files are
  $ renderq show run_7k3fq8m2xd/sku-1        one row: request, pictures, calls, cost, error
  $ renderq show run_7k3fq8m2xd/sku-1 --json | jq .record.usage
`

export function showCommand(): Command {
  const command = new Command('show')
    .description('everything that is known of a run, or of one of its rows')
    .argument('<run>', 'a run id, or <run>/<id> for one of its rows')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(async (what: string, flags: ShowFlags) => {
    const { show } = await import('./show-run.ts')
    await show(what, flags)
  })
}
