/**
 * The settings of one command: read from every source, parsed once, frozen, handed down. The only reader of
 * process.env. Flag > environment > .env > renderq.config.json > default.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { z } from 'zod'
import { ConfigError } from './errors.ts'
import { nearest } from './nearest.ts'
import { SETTING_NAMES, Settings, VARIABLES, variablesOf, type SettingName } from './settings.ts'

export { Settings, type SettingName } from './settings.ts'

/** Holds a secret so that printing, logging or serializing it shows nothing. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  /** Only where the secret is put on the wire. */
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return '[redacted]'
  }
  toJSON(): string {
    return '[redacted]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

const WORKER_SETTINGS = [
  'concurrency',
  'attempts',
  'backoffMs',
  'backoffMaxMs',
  'requestTimeoutMs',
  'drainTimeoutMs',
  'lockDurationMs',
  'stalledIntervalMs',
  'imageBytesMax',
  'allowPrivateUrls',
] as const satisfies readonly SettingName[]

export type QueueSettings =
  | { backend: 'redis'; url: string; namespace: string }
  | { backend: 'postgres'; url: string; namespace: string }
  | { backend: 'embedded'; dataDir: string }

export type StorageSettings =
  | { kind: 'folder'; dir: string }
  | { kind: 's3'; bucket: string; prefix: string }

/** The parsed settings, grouped as the folders are. */
export interface Config {
  readonly openai: {
    apiKey: Secret | undefined
    baseUrl: string
    orgId: string | undefined
    projectId: string | undefined
    apiVersion: string | undefined
  }
  readonly queue: QueueSettings
  readonly storage: StorageSettings
  readonly stateDir: string
  readonly scheduleRoot: string
  readonly worker: Readonly<Pick<Settings, (typeof WORKER_SETTINGS)[number]>>
  readonly logLevel: Settings['logLevel']
  /** True when the setting was given anywhere, not left to its default. */
  isSet(name: SettingName): boolean
}

/** The process's own environment, for the few who must look at it by name. */
export const environment: NodeJS.Dict<string> = process.env

export interface ConfigSources {
  cwd?: string
  env?: NodeJS.Dict<string>
  /** Settings that only a flag may give here; what the environment and the files say is passed over. */
  onlyByFlag?: readonly SettingName[]
}

/** Reads every source, in `cwd`. Throws ConfigError naming each bad setting and where it came from. */
export function loadConfig(flags: object = {}, sources: ConfigSources = {}): Config {
  const { cwd = process.cwd(), env = environment, onlyByFlag = [] } = sources
  const lowerSources = [...configFile(cwd), ...dotenvFile(cwd), ...fromEnvironment(env, '')]
  const known = lowerSources.filter(([name]) => !onlyByFlag.includes(name as SettingName))
  const found = new Map<string, Given>([...known, ...fromFlags(flags)])
  const parsed = Settings.safeParse(
    Object.fromEntries([...found].map(([name, { value }]) => [name, value])),
  )
  if (!parsed.success) throw new ConfigError(describeIssues(parsed.error, found))
  return freezeConfig(parsed.data, cwd, (name) => found.has(name))
}

/** A value and where it was given. A name that is no setting is kept, to be refused with all other problems. */
interface Given {
  value: unknown
  origin: string
}
type Found = [name: string, Given][]

function configFile(cwd: string): Found {
  const text = readIfPresent(resolve(cwd, 'renderq.config.json'))
  if (text === undefined) return []
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch (cause) {
    // The parser's message quotes the file, which may hold a password.
    throw new ConfigError('renderq.config.json is not valid JSON: check quotes and commas', {
      cause,
    })
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new ConfigError('renderq.config.json must hold one object of settings')
  }
  return Object.entries(values)
    .filter(([name]) => name !== '$schema')
    .map(([name, value]) => {
      if (name === 'openaiApiKey') {
        throw new ConfigError(
          'renderq.config.json must not hold the API key: put OPENAI_API_KEY into .env or the environment',
        )
      }
      return [name, { value, origin: `renderq.config.json ${name}` }]
    })
}

function dotenvFile(cwd: string): Found {
  const text = readIfPresent(resolve(cwd, '.env'))
  if (text === undefined) return []
  const variables = parseEnv(text)
  exportForAwsSdk(variables)
  return fromEnvironment(variables, '.env ')
}

/** The AWS SDK reads its own variables from the environment; what .env says must reach it there. */
function exportForAwsSdk(variables: NodeJS.Dict<string>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (name.startsWith('AWS_')) process.env[name] ??= value
  }
}

/** The AWS SDK announces on every start that it will leave old Node versions; that is for package.json to know. */
export function quietAwsNodeWarning(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
}

function fromEnvironment(env: NodeJS.Dict<string>, where: string): Found {
  const given = (variable: string): Given => ({
    value: env[variable],
    origin: `${where}${variable}`,
  })
  const isSet = (variable: string): boolean => (env[variable] ?? '') !== ''
  const known = SETTING_NAMES.flatMap((name): Found => {
    const present = variablesOf(name).find(isSet)
    return present === undefined ? [] : [[name, given(present)]]
  })
  const unknown = Object.keys(env).filter((variable) => isSet(variable) && isMisspelt(variable))
  return [...known, ...unknown.map((variable): Found[number] => [variable, given(variable)])]
}

/**
 * Kubernetes describes every service to its pods: one named `renderq` gives RENDERQ_SERVICE_HOST, RENDERQ_PORT,
 * RENDERQ_PORT_6379_TCP_ADDR and more. The tests have variables of their own.
 */
const OTHERS_VARIABLE = /^RENDERQ_(TEST_|CI_|(.*_)?(SERVICE_(HOST|PORT)|PORT)(_|$))/

const isMisspelt = (variable: string): boolean =>
  variable.startsWith('RENDERQ_') && !VARIABLES.has(variable) && !OTHERS_VARIABLE.test(variable)

/** A command's flags, among them those that are settings, by their names. */
function fromFlags(flags: object): Found {
  return Object.entries(flags)
    .filter(([name, value]) => value !== undefined && name in Settings.shape)
    .map(([name, value]) => [name, { value, origin: `--${toKebab(name)}` }])
}

function describeIssues(error: z.ZodError, found: ReadonlyMap<string, Given>): string {
  const lines = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => `${found.get(name)?.origin ?? name}: ${noSuchSetting(name)}`)
      : [problemOf(String(issue.path[0]) as SettingName, found)],
  )
  return `bad configuration: ${lines.join('; ')}`
}

function problemOf(name: SettingName, found: ReadonlyMap<string, Given>): string {
  const { origin = name, value } = found.get(name) ?? {}
  const isShown = !MAY_HOLD_SECRETS.has(name) && String(value).length <= VALUE_SHOWN_LENGTH_MAX
  const instead = isShown ? `, not ${JSON.stringify(value)}` : ''
  return `${origin}: must be ${Settings.shape[name].description}${instead}`
}

const VALUE_SHOWN_LENGTH_MAX = 40
const MAY_HOLD_SECRETS: ReadonlySet<SettingName> = new Set([
  'openaiApiKey',
  'openaiBaseUrl',
  'queueUrl',
  'storageUrl',
])

/** In the spelling of where it was given: a variable, or a name of renderq.config.json. */
function noSuchSetting(name: string): string {
  const isVariable = name.startsWith('RENDERQ_')
  const meant = isVariable
    ? (nearest(name, VARIABLES) ?? nearest(name.slice('RENDERQ_'.length), VARIABLES))
    : nearest(name, SETTING_NAMES)
  const guess = meant === undefined ? 'see docs/configuration.md' : `did you mean ${meant}?`
  return `there is no such setting (${guess})`
}

function freezeConfig(settings: Settings, cwd: string, isSet: Config['isSet']): Config {
  const { openaiApiKey } = settings
  return Object.freeze({
    openai: Object.freeze({
      apiKey: openaiApiKey === undefined ? undefined : new Secret(openaiApiKey),
      baseUrl: settings.openaiBaseUrl.replace(/\/+$/, ''),
      orgId: settings.openaiOrgId,
      projectId: settings.openaiProjectId,
      apiVersion: settings.openaiApiVersion,
    }),
    queue: Object.freeze(queueSettings(settings, cwd)),
    storage: Object.freeze(storageSettings(settings.storageUrl, cwd)),
    stateDir: resolve(cwd, settings.stateDir),
    scheduleRoot: resolve(cwd, settings.scheduleRoot),
    worker: Object.freeze(pick(settings, WORKER_SETTINGS)),
    logLevel: settings.logLevel,
    isSet,
  })
}

function queueSettings({ queueUrl, namespace, stateDir }: Settings, cwd: string): QueueSettings {
  if (queueUrl === undefined) return { backend: 'embedded', dataDir: resolve(cwd, stateDir) }
  const backend = queueUrl.startsWith('redis') ? 'redis' : 'postgres'
  return { backend, url: queueUrl, namespace }
}

/** `file:./x`, `file:x`, `file:/abs` and `file:///abs` all name a folder; anything else was refused before. */
export function storageSettings(url: string, cwd: string): StorageSettings {
  if (url.startsWith('file:')) {
    return { kind: 'folder', dir: resolve(cwd, url.slice('file:'.length).replace(/^\/\/\//, '/')) }
  }
  const [bucket = '', ...rest] = url.slice('s3://'.length).split('/')
  return { kind: 's3', bucket, prefix: rest.join('/').replace(/^\/+|\/+$/g, '') }
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigError(`${path} can't be read: ${String(cause)}`, { cause })
  }
}

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>
}

const toKebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
