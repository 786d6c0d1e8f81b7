import { Command } from 'commander'
import type { RenderJob } from '../job.ts'
import { count } from './count.ts'
import { addPlanFlags, addSettings, jsonFlag, type PlanFlags } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq validate catalog.csv                      and shows the first rows
  $ renderq validate prompts.tsv --set quality=low    and says about what it costs
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
      const { formatFirstRows } = await import('./format-first-rows.ts')
      await using plan = await planFor(manifest, flags, loadConfig(flags))
      const { rowCount, pictureCount, byOperation, warnings } = plan
      if (flags.json) {
        const { costPlannedUsd, unpricedRowCount } = plan
        const facts = { rowCount, pictureCount, byOperation, costPlannedUsd, unpricedRowCount }
        const firstRows = plan.firstJobs.map(sentParts)
        console.log(JSON.stringify({ v: 1, ...facts, firstRows, warnings, problems: [] }))
        return
      }
      for (const warning of warnings) console.error(`warning: ${warning}`)
      console.log(
        `${manifest}: ${count(rowCount, 'row')}, ${count(pictureCount, 'picture')}, ${plannedCost(plan)}, no problems`,
      )
      for (const line of formatFirstRows(plan, process.stdout.columns)) console.log(line)
    },
  )
}

const sentParts = ({ id, operation, request, images, mask, markup, key }: RenderJob) => ({
  id,
  operation,
  request,
  images,
  mask,
  markup,
  key,
})
