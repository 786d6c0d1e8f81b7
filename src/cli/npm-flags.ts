/**
 * `npm run enqueue m.csv --concurrency 4` never hands us `--concurrency`: npm takes it for itself and leaves only
 * a variable behind. Going on without it would do something else than was asked for, with real money.
 */
import type { Command } from 'commander'
import { ConfigError } from '../errors.ts'
import { forShell } from './go-on.ts'

/** npm settings of the same name may come from somebody's .npmrc, so they prove nothing. */
const NPM_OWN = new Set(['yes', 'force', 'version', 'help'])

export function refuseSwallowedFlags(
  program: Command,
  env: NodeJS.Dict<string>,
  argv: readonly string[],
): void {
  const script = env['npm_lifecycle_event']
  if (script === undefined) return
  const options = new Map(
    program.commands.flatMap((command) => command.options.map((option) => [option.long, option])),
  )
  const swallowed = [...options].flatMap(([flag = '', { required }]): Swallowed[] => {
    const name = flag.replace(/^--/, '')
    const value = env[`npm_config_${name.replaceAll('-', '_')}`] ?? ''
    if (value === '' || NPM_OWN.has(name)) return []
    return [{ flag, value: value === 'true' ? undefined : value, takesValue: required }]
  })
  if (swallowed.length === 0) return
  throw new ConfigError(
    `npm kept ${swallowed.map(({ flag }) => flag).join(' ')} for itself, nothing was done. ` +
      'Flags go behind a --, with their values:\n' +
      `  npm run ${script} -- ${corrected(argv, swallowed)}`,
  )
}

interface Swallowed {
  flag: string
  /** Undefined where npm has taken it for an argument of its own, as it does without a "=". */
  value: string | undefined
  takesValue: boolean
}

/** What npm has left over are the values that it did not keep; of several nobody can say whose they are. */
function corrected(
  [manifest, ...rest]: readonly string[],
  swallowed: readonly Swallowed[],
): string {
  const open = swallowed.filter(({ value, takesValue }) => takesValue && value === undefined)
  const [left] = open.length === 1 && rest.length === 1 ? rest : []
  const words = swallowed.map(({ flag, value = left, takesValue }) =>
    takesValue ? `${flag} ${value === undefined ? '…' : forShell(value)}` : flag,
  )
  return [...(manifest === undefined ? [] : [forShell(manifest)]), ...words].join(' ')
}
