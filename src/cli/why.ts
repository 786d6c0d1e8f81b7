import { Command } from 'commander'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq why sku-1                            in the latest run that has it
  $ renderq why sku-1 --run run_7k3fq8m2xd
`

export function whyCommand(): Command {
  const command = new Command('why')
    .description('why a row was rendered, reused or not rendered, and what had changed')
    .argument('<id>', 'the id of a row')
    .addHelpText('before', EXAMPLES)
    .option('--run <run>', 'this run (default: the latest one that has the row)')
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(
    async (id: string, flags: { run?: string; json: boolean }) => {
      const { loadConfig } = await import('../config.ts')
      const { findingIn, openForLooking } = await import('./looking.ts')
      const { findRun } = await import('../report/find-run.ts')
      const { findRunOfRow } = await import('../report/find-row-run.ts')
      const { rowDetails } = await import('../report/show-row.ts')
      const { whyRow } = await import('../report/why-row.ts')
      const { formatWhy } = await import('./format-why.ts')
      const config = loadConfig(flags)
      await using queue = await openForLooking(config, 'why')
      const finding = findingIn(queue, config)
      await using found = await (flags.run === undefined
        ? findRunOfRow(id, finding)
        : findRun(flags.run, finding))
      const details = await rowDetails(id, found, queue.ledger)
      const why = await whyRow(details, found.store)
      const { run, outcome } = details
      console.log(
        flags.json
          ? JSON.stringify({ v: 1, run, id, outcome, ...why })
          : formatWhy(`${run}/${id}`, why).join('\n'),
      )
    },
  )
}
