/** Flags and settings → a plan. Shared by every command that takes a manifest. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { serverKindOf } from '../images-api/rules.ts'
import type { RunId } from '../job.ts'
import { planManifest, type Plan } from '../producer/plan.ts'
import type { PlanFlags } from './options.ts'

export async function planFor(manifest: string, flags: PlanFlags, config: Config): Promise<Plan> {
  if (/^\d+$/.test(manifest) && !existsSync(manifest)) {
    throw new ConfigError(
      `"${manifest}" is not a manifest. With npm, flags go behind a --: npm run enqueue -- catalog.csv --concurrency ${manifest}`,
    )
  }
  const run = newRunId()
  return planManifest({
    manifest,
    run,
    set: flags.set,
    existing: flags.existing,
    server: serverKindOf(config.openai.baseUrl),
    today: new Date(),
    workDir: join(config.stateDir, 'plans', run),
    ...(flags.prompt === undefined ? {} : { prompt: flags.prompt }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
  })
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** Fifty random bits, in letters that are not mistaken for one another. */
function newRunId(): RunId {
  return `run_${Array.from(randomBytes(10), (byte) => ALPHABET[byte % 32]).join('')}`
}
