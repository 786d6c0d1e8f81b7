import { Command } from 'commander'
import { count } from './count.ts'
import { addPlanFlags, addSettings, jsonFlag, type PlanFlags } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq validate catalog.csv
  $ renderq validate prompts.tsv --set quality=low            also says about what it will cost
  $ renderq validate catalog.csv --json | jq .problems
`

export function validateCommand(): Command {
  const command = new Command('validate')
    .description('check a whole manifest; nothing is sent and nothing is stored')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
  addPlanFlags(command)
  return addSettings(command, ['openaiBaseUrl', 'stateDir']).action(
    async (manifest: string, flags: PlanFlags & { json: boolean }) => {
      const { loadConfig } = await import('../config.ts')
      const { planFor } = await import('./plan.ts')
      const { plannedCost } = await import('./planned-cost.ts')
      await using plan = await planFor(manifest, flags, loadConfig(flags))
      const { rowCount, pictureCount, byOperation, warnings } = plan
      if (flags.json) {
        const { costPlannedUsd, unpricedRowCount } = plan
        const facts = { rowCount, pictureCount, byOperation, costPlannedUsd, unpricedRowCount }
        console.log(JSON.stringify({ v: 1, ...facts, warnings, problems: [] }))
        return
      }
      for (const warning of warnings) console.error(`warning: ${warning}`)
      console.log(
        `${manifest}: ${count(rowCount, 'row')}, ${count(pictureCount, 'picture')}, ${plannedCost(plan)}, no problems`,
      )
    },
  )
}
