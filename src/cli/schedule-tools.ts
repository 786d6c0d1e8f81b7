/** What a schedule needs to fire, for workers and for `schedule run`: it plans with the same function as `enqueue`. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { ScheduleSettings } from '../producer/schedule-file.ts'
import type { ScheduleTools } from '../producer/schedule-fire.ts'
import type { PlanFlags } from './options.ts'
import type { Parts } from './parts.ts'
import { planFor, termsOf } from './plan.ts'

export function scheduleToolsFor(
  config: Config,
  { queue, store, logger }: Omit<Parts, keyof AsyncDisposable>,
): ScheduleTools {
  return {
    queue,
    store,
    logger,
    root: config.scheduleRoot,
    workDir: join(config.stateDir, 'scheduled'),
    plan: (manifest, settings, run) => planFor(manifest, { ...flagsOf(settings), run }, config),
    termsOf: (settings) => termsOf(flagsOf(settings)),
  }
}

/** As if they had been given to `enqueue`. */
function flagsOf({ set = {}, map = {}, ...settings }: ScheduleSettings): PlanFlags {
  const columns = Object.entries(set).map(([column, value]) => [column, String(value)] as const)
  return {
    existing: 'replace',
    keepPartials: false,
    ...withoutUndefined(settings),
    set: Object.fromEntries(columns),
    map: Object.entries(map).map(([target, source]) => ({ target, source })),
  }
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> }

const withoutUndefined = <T extends object>(object: T): Given<T> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Given<T>
