/** Flags and settings → a plan and the terms of its run. Shared by every command that takes a manifest. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { serverKindOf } from '../images-api/server-kind.ts'
import type { RunId } from '../job.ts'
import type { RunTerms } from '../producer/enqueue.ts'
import { planManifest, type ManifestPlan } from '../producer/plan.ts'
import { parseRowRanges } from '../producer/row-ranges.ts'
import type { Selection } from '../producer/row-selection.ts'
import { parseWhere } from '../producer/where.ts'
import type { PlanFlags } from './options.ts'

export async function planFor(
  manifest: string,
  flags: PlanFlags & { run?: RunId; emulator?: boolean },
  config: Config,
): Promise<ManifestPlan> {
  if (/^\d+$/.test(manifest) && !existsSync(manifest)) {
    throw new ConfigError(
      `"${manifest}" is not a manifest. With npm, flags go behind a --: npm run enqueue -- catalog.csv --concurrency ${manifest}`,
    )
  }
  const { run = newRunId() } = flags
  return planManifest({
    manifest,
    run,
    set: flags.set,
    existing: flags.existing,
    keepPartials: flags.keepPartials,
    force: flags.force ?? false,
    checkInputs: flags.checkInputs ?? false,
    map: flags.map ?? [],
    fillDown: flags.fillDown ?? [],
    select: selectionOf(flags),
    server: flags.emulator === true ? 'emulator' : serverKindOf(config.openai.baseUrl),
    today: new Date(),
    workDir: join(config.stateDir, 'plans', run),
    ...(flags.prompt === undefined ? {} : { prompt: flags.prompt }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
  })
}

function selectionOf({ only, rows, where, first, sample }: PlanFlags): Selection {
  return {
    ...(only === undefined ? {} : { only }),
    ...(rows === undefined ? {} : { rows: parseRowRanges(rows) }),
    ...(where === undefined ? {} : { where: parseWhere(where, 'category=mug,price!=0') }),
    ...(first === undefined ? {} : { first }),
    ...(sample === undefined ? {} : { sample }),
  }
}

/** Flags that decided what was planned, as they were written; those that say nothing are left out. */
const PLANNING_FLAGS = [
  'prompt',
  'set',
  'name',
  'existing',
  'keepPartials',
  'map',
  'fillDown',
  'only',
  'rows',
  'where',
  'first',
  'sample',
  'force',
  'checkInputs',
] as const satisfies readonly (keyof PlanFlags)[]

export function termsOf(flags: PlanFlags): RunTerms {
  const given = PLANNING_FLAGS.filter((name) => isSaid(flags[name]))
  return {
    priority: flags.priority,
    flags: Object.fromEntries(given.map((name) => [name, flags[name]])),
  }
}

function isSaid(value: unknown): boolean {
  if (value === undefined || value === false) return false
  return typeof value !== 'object' || value === null || Object.keys(value).length > 0
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** Fifty random bits, in letters that are not mistaken for one another. */
export function newRunId(): RunId {
  return `run_${Array.from(randomBytes(10), (byte) => ALPHABET[byte % 32]).join('')}`
}
