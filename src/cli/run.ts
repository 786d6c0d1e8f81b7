import { Command } from 'commander'
import type { CarriedFlags } from './go-on.ts'
import {
  addPlanFlags,
  addSettings,
  jsonFlag,
  STORE_AND_QUEUE,
  WORKING,
  yesFlag,
  type PlanFlags,
} from './options.ts'

const EXAMPLES = `
Examples
  $ renderq run jobs/demo.csv --emulator                      offline: no key, no cost, into ./renders-demo
  $ renderq run catalog.csv --storage-url s3://shop-media/mugs
  $ renderq run prompts.tsv --set quality=low --set size=1024x1024
  $ renderq run catalog.csv --sample 10                       try it on a few rows, the same ones every time
  $ renderq run catalog.csv --where 'category=mug' --force    render these again
  $ renderq run shopify.csv --map id="Variant SKU" --fill-down Handle,Title --prompt '{{ title }} on white'
  $ renderq run catalog.csv --json                            JSON Lines on stdout, the last one is the summary
`

export interface RunFlags extends PlanFlags, CarriedFlags {
  json: boolean
  yes: boolean
  emulator: boolean
}

export function runCommand(): Command {
  const command = new Command('run')
    .description('render a manifest here and now: check, queue, work, report')
    .addHelpText('before', EXAMPLES)
    .option('--emulator', 'answer from the built-in emulator instead of the Images API', false)
    .addOption(jsonFlag())
    .addOption(yesFlag())
  addPlanFlags(command)
  return addSettings(command, [...STORE_AND_QUEUE, ...WORKING]).action(
    async (manifest: string, flags: RunFlags) => {
      const { runManifest } = await import('./run-manifest.ts')
      process.exitCode = await runManifest(manifest, flags)
    },
  )
}
