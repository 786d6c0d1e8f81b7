/** What the subcommands of `schedule` do. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { loadConfig, type Config } from '../config.ts'
import { ConfigError, messageOf } from '../errors.ts'
import {
  applySchedules,
  compareSchedules,
  findSchedule,
  pauseSchedule,
  removeSchedule,
  type ScheduleChange,
} from '../producer/schedule-apply.ts'
import { parseSchedules, type Schedule } from '../producer/schedule-file.ts'
import { fire } from '../producer/schedule-fire.ts'
import { viewSchedules } from '../producer/schedule-list.ts'
import { isObjectManifest, travellingManifest } from '../producer/schedule-manifest.ts'
import { openStore } from '../storage/open-store.ts'
import { count } from './count.ts'
import { formatChange, formatSchedules } from './format-schedules.ts'
import { underWay, type CarriedFlags } from './go-on.ts'
import { openForLooking } from './looking.ts'
import { openParts } from './parts.ts'
import { newRunId } from './plan.ts'
import { scheduleToolsFor } from './schedule-tools.ts'

interface JsonFlag {
  json: boolean
}

export async function applySchedulesOf(
  file: string,
  flags: JsonFlag & { dryRun: boolean; prune: boolean },
): Promise<void> {
  const config = loadConfig(flags)
  const schedules = await readSchedules(file, config)
  for (const warning of schedules.flatMap((each) => doubts(each, config))) {
    console.error(`warning: ${warning}`)
  }
  await using queue = await openForLooking(config, 'schedule apply')
  const { dryRun, prune } = flags
  const apply = dryRun ? compareSchedules : applySchedules
  const changes = await apply(schedules, queue.schedules, { prune })
  if (flags.json) {
    console.log(JSON.stringify({ v: 1, dryRun, queue: queue.name, changes }))
    return
  }
  for (const line of changes.flatMap((change) => formatChange(change, !dryRun))) console.log(line)
  console.error(summaryOf(changes, { dryRun, queueName: queue.name }))
}

/** The schedules as they travel. Throws ConfigError with every problem. */
async function readSchedules(file: string, config: Config): Promise<Schedule[]> {
  const schedules = parseSchedules(await readText(file), { file })
  const from = { fileDir: dirname(resolve(file)), root: config.scheduleRoot }
  return schedules.map((schedule) => ({
    ...schedule,
    manifest: travellingManifest(schedule.manifest, from),
  }))
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`the schedules in ${file} can't be read: ${messageOf(cause)}`, { cause })
  }
}

function doubts({ name, manifest, budgetUsd }: Schedule, { scheduleRoot }: Config): string[] {
  const isThere = isObjectManifest(manifest) || existsSync(resolve(scheduleRoot, manifest))
  return [
    ...(isThere ? [] : [`${name}: there is no ${manifest} in ${scheduleRoot} yet`]),
    ...(budgetUsd === undefined ? [] : [`${name}: budgetUsd is kept, but not enforced yet`]),
  ]
}

function summaryOf(
  changes: readonly ScheduleChange[],
  { dryRun, queueName }: { dryRun: boolean; queueName: string },
): string {
  const changed = changes.filter(({ kind }) => !['unchanged', 'left alone'].includes(kind)).length
  if (changed === 0) return `nothing to change on ${queueName}`
  const done = dryRun ? 'would change; --dry-run changes nothing' : 'changed'
  return `${count(changed, 'schedule')} ${done} on ${queueName}`
}

export async function printSchedules(flags: JsonFlag): Promise<void> {
  const config = loadConfig(flags)
  await using store = await openStore(config.storage)
  await using queue = await openForLooking(config, 'schedule list')
  const views = await viewSchedules({ queue, store }, Date.now())
  console.log(
    flags.json
      ? JSON.stringify({ v: 1, queue: queue.name, schedules: views })
      : formatSchedules(views, queue.name),
  )
}

/** Here and now what a worker does at a tick: the manifest is read by this process. */
export async function runScheduleNow(name: string, flags: JsonFlag & CarriedFlags): Promise<void> {
  const config = loadConfig(flags)
  await using parts = await openParts(config, {
    command: 'schedule run',
    works: false,
    ...(config.isSet('logLevel') ? {} : { logLevel: 'silent' }),
  })
  const { schedule } = await findSchedule(name, parts.queue.schedules)
  const tick = { run: newRunId(), dueAt: Date.now(), byHand: true, note: null }
  const fired = await fire(schedule, tick, scheduleToolsFor(config, parts))
  if (fired.error !== undefined) throw fired.error
  if (fired.run === null) {
    throw new ConfigError(
      `${name} was not fired: ${fired.note}, and its concurrencyPolicy is forbid; wait for it or cancel it`,
    )
  }
  const { run, outcome, note } = fired
  if (outcome === 'continued') {
    const { state } = (await parts.queue.ledger.books(run)) ?? {}
    console.error(underWay(run, state, flags))
  }
  if (note !== null) console.error(note)
  console.log(flags.json ? JSON.stringify({ v: 1, schedule: name, run, outcome, note }) : run)
}

export async function pauseScheduleNamed(
  name: string,
  flags: JsonFlag & { paused: boolean },
): Promise<void> {
  await using queue = await openForLooking(loadConfig(flags), 'schedule pause')
  const { paused, schedule } = await pauseSchedule(name, queue.schedules, flags)
  if (flags.json) {
    console.log(JSON.stringify({ v: 1, schedule: name, paused, suspend: schedule.suspend }))
    return
  }
  const still = schedule.suspend ? ', but its file suspends it' : ''
  console.log(paused ? `${name} is paused` : `${name} is no longer paused${still}`)
}

export async function removeScheduleNamed(name: string, flags: JsonFlag): Promise<void> {
  await using queue = await openForLooking(loadConfig(flags), 'schedule remove')
  await removeSchedule(name, queue.schedules)
  console.log(
    flags.json ? JSON.stringify({ v: 1, schedule: name, removed: true }) : `${name} is removed`,
  )
}
