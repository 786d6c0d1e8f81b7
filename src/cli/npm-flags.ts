/**
 * `npm run enqueue m.csv --concurrency 4` never hands us `--concurrency`: npm takes it for itself and leaves only
 * a variable behind. Going on without it would do something else than was asked for, with real money.
 */
import type { Command } from 'commander'
import { ConfigError } from '../errors.ts'

/** npm settings of the same name may come from somebody's .npmrc, so they prove nothing. */
const NPM_OWN = new Set(['yes', 'force', 'version', 'help'])

export function refuseSwallowedFlags(program: Command, env: NodeJS.Dict<string>): void {
  const script = env['npm_lifecycle_event']
  if (script === undefined) return
  const flags = new Set(
    program.commands.flatMap(({ options }) => options.map((option) => option.long ?? '')),
  )
  const swallowed = [...flags]
    .map((flag) => flag.replace(/^--/, ''))
    .filter((name) => name !== '' && !NPM_OWN.has(name))
    .filter((name) => (env[`npm_config_${name.replaceAll('-', '_')}`] ?? '') !== '')
  if (swallowed.length === 0) return
  const given = swallowed.map((name) => `--${name}`).join(' ')
  throw new ConfigError(
    `npm kept ${given} for itself, nothing was done. Flags go behind a --, with their values:\n` +
      `  npm run ${script} -- ${given} …`,
  )
}
