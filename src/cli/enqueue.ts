import { Command } from 'commander'
import { count } from './count.ts'
import { inFolder } from './in-folder.ts'
import type { CarriedFlags } from './go-on.ts'
import {
  addPlanFlags,
  addSettings,
  jsonFlag,
  STORE_AND_QUEUE,
  yesFlag,
  type PlanFlags,
} from './options.ts'

const EXAMPLES = `
Examples
  $ renderq enqueue catalog.csv                          prints the run id
  $ run=$(renderq enqueue catalog.csv) && renderq status $run
  $ npm run -s enqueue -- catalog.csv --set quality=low  with npm: flags behind --, -s for clean output
`

export function enqueueCommand(): Command {
  const command = new Command('enqueue')
    .description('hand a manifest to the workers; exits when it is accepted')
    .addHelpText('before', EXAMPLES)
    .addOption(jsonFlag())
    .addOption(yesFlag())
  addPlanFlags(command)
  return addSettings(command, [...STORE_AND_QUEUE, 'openaiBaseUrl']).action(
    async (manifest: string, flags: PlanFlags & CarriedFlags & { json: boolean }) => {
      const { loadConfig } = await import('../config.ts')
      const { planFor, termsOf } = await import('./plan.ts')
      const { enqueuePlan } = await import('../producer/enqueue.ts')
      const { leftToWorkers, underWay } = await import('./go-on.ts')
      const { openParts } = await import('./parts.ts')
      const { plannedCost } = await import('./planned-cost.ts')
      const { endsOnSignal } = await import('./ends-on-signal.ts')
      const config = loadConfig(flags)
      using _ = endsOnSignal()
      await using plan = await planFor(manifest, flags, config)
      for (const warning of plan.warnings) console.error(`warning: ${warning}`)
      await using parts = await openParts(config, { command: 'enqueue', works: false })
      const { kind, run } = await enqueuePlan(plan, parts, termsOf(flags))
      const { rowCount, pictureCount, costPlannedUsd, unpricedRowCount } = plan
      console.error(
        kind === 'opened'
          ? `${count(rowCount, 'row')}, ${count(pictureCount, 'picture')}, ${plannedCost(plan)} queued on ${inFolder(`${parts.queue.name} → ${parts.store.url}`)}`
          : underWay(run, (await parts.queue.ledger.books(run))?.state, flags),
      )
      for (const line of leftToWorkers(run, flags)) console.error(line)
      const facts = { run, kind, rowCount, pictureCount, costPlannedUsd, unpricedRowCount }
      console.log(flags.json ? JSON.stringify({ v: 1, ...facts }) : run)
    },
  )
}
