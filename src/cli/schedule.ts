import { Command } from 'commander'
import type { SettingName } from '../config.ts'
import { addSettings, jsonFlag, STORE_AND_QUEUE } from './options.ts'

const EXAMPLES = `
Examples
  $ renderq schedule apply --dry-run          what jobs/schedules.json would change on the queue
  $ renderq schedule apply                    do it; no worker has to be up
  $ renderq schedule list                     when each fires next, and what became of the last time
  $ run=$(renderq schedule run nightly-mugs)  fire it once, now
`

const QUEUE_ONLY = ['queueUrl', 'stateDir', 'namespace', 'logLevel'] as const

export function scheduleCommand(): Command {
  return new Command('schedule')
    .description('manifests that are enqueued again and again, by the clock')
    .addHelpText('before', EXAMPLES)
    .addCommand(applyCommand())
    .addCommand(listCommand())
    .addCommand(runCommand())
    .addCommand(pauseCommand('pause', 'fire nothing until unpaused; applying the file keeps it so'))
    .addCommand(pauseCommand('unpause', 'fire again, from the next time on'))
    .addCommand(removeCommand())
}

function applyCommand(): Command {
  const command = new Command('apply')
    .description('make the queue have the schedules of a file; says what changes')
    .argument('[file]', 'a file of schedules', 'jobs/schedules.json')
    .option('--dry-run', 'only say what would change', false)
    .option('--prune', 'remove the schedules that are not in the file', false)
    .addOption(jsonFlag())
  return addSettings(command, [...QUEUE_ONLY, 'scheduleRoot']).action(
    async (file: string, flags: { dryRun: boolean; prune: boolean; json: boolean }) => {
      const { applySchedulesOf } = await import('./schedule-commands.ts')
      await applySchedulesOf(file, flags)
    },
  )
}

function listCommand(): Command {
  const command = new Command('list')
    .description('when each schedule fires next, and what became of the last time')
    .addOption(jsonFlag())
  return addSettings(command, STORE_AND_QUEUE).action(async (flags: { json: boolean }) => {
    const { printSchedules } = await import('./schedule-commands.ts')
    await printSchedules(flags)
  })
}

function runCommand(): Command {
  const settings: SettingName[] = [...STORE_AND_QUEUE, 'openaiBaseUrl', 'scheduleRoot']
  const command = named('run', 'fire it once, now, even if it is paused; prints the run id')
  return addSettings(command, settings).action(async (name: string, flags: { json: boolean }) => {
    const { runScheduleNow } = await import('./schedule-commands.ts')
    await runScheduleNow(name, flags)
  })
}

function pauseCommand(verb: 'pause' | 'unpause', description: string): Command {
  return addSettings(named(verb, description), QUEUE_ONLY).action(
    async (name: string, flags: { json: boolean }) => {
      const { pauseScheduleNamed } = await import('./schedule-commands.ts')
      await pauseScheduleNamed(name, { ...flags, paused: verb === 'pause' })
    },
  )
}

function removeCommand(): Command {
  const command = named('remove', 'fire no more; its runs and pictures stay')
  return addSettings(command, QUEUE_ONLY).action(async (name: string, flags: { json: boolean }) => {
    const { removeScheduleNamed } = await import('./schedule-commands.ts')
    await removeScheduleNamed(name, flags)
  })
}

const named = (verb: string, description: string): Command =>
  new Command(verb)
    .description(description)
    .argument('<name>', 'the name of a schedule')
    .addOption(jsonFlag())
