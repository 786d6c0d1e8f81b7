/**
 * The settings: one schema, parsed once, frozen, handed down. The only reader of process.env.
 * Flag > environment > .env > renderq.config.json > default.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { ConfigError } from './errors.ts'

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

const milliseconds = (min: number, max: number, byDefault: number) =>
  z.coerce.number().int().min(min).max(max).default(byDefault)

/**
 * Every setting by its flag name. Each may come from the environment as RENDERQ_<FLAG>; the few with a
 * well-known name elsewhere (OPENAI_API_KEY, QUEUE_URL, …) use that, see `ENVIRONMENT_NAMES`.
 */
export const Settings = z.strictObject({
  /** Bearer key of the Images API. Not needed with `--emulator`. */
  openaiApiKey: z.string().min(1).optional(),
  /** Where the Images API is. Never taken from a manifest or a job. */
  openaiBaseUrl: z.url({ protocol: /^https?$/ }).default('https://api.openai.com/v1'),
  openaiOrgId: z.string().min(1).optional(),
  openaiProjectId: z.string().min(1).optional(),

  /** redis://, rediss://, postgres:// or postgresql://. Absent: embedded, in `stateDir`. */
  queueUrl: z
    .url({
      protocol: /^(rediss?|postgres(ql)?)$/,
      error: 'must begin with redis://, rediss://, postgres:// or postgresql://',
    })
    .optional(),
  /** Keeps several renderqs apart on one server: Redis key prefix and Postgres schema. */
  namespace: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/, 'must be a-z, 0-9 and _, at most 31 characters')
    .default('renderq'),
  /** Embedded queue, spool and locks of this folder's renderq. */
  stateDir: z.string().min(1).default('.renderq'),

  /** s3://bucket/prefix or file:./folder. */
  storageUrl: z
    .string()
    .regex(/^(s3:\/\/[^/]+(\/.*)?|file:.+)$/, 'must be s3://bucket/prefix or file:./folder')
    .default('file:./renders'),

  /** Calls at once in this process. More than images-per-minute × seconds-per-call ÷ 60 only waits. */
  concurrency: z.coerce.number().int().min(1).max(1_000).default(8),
  /** Tries per row. Waiting for a rate limit costs none. */
  attempts: z.coerce.number().int().min(1).max(50).default(5),
  /** First wait after a failed try; doubles each time. */
  backoffMs: milliseconds(1, 600_000, 1_000),
  /** No wait between tries is longer than this. */
  backoffMaxMs: milliseconds(1, 3_600_000, 60_000),
  /**
   * Overall deadline of one call, from sending to the last byte. High-quality pictures take minutes;
   * below 60,000 good requests are cut although they are paid.
   */
  requestTimeoutMs: milliseconds(100, 3_600_000, 600_000),
  /** After SIGTERM, how long calls that are already paid may finish. Give the process manager more. */
  drainTimeoutMs: milliseconds(0, 3_600_000, 630_000),
  /** A worker that stops renewing for this long has lost its jobs to the others. */
  lockDurationMs: milliseconds(1_000, 3_600_000, 60_000),
  /** How often lost jobs are looked for; a crash is noticed after lock + this. */
  stalledIntervalMs: milliseconds(200, 600_000, 15_000),
  /** Larger pictures in an answer are refused. */
  imageBytesMax: z.coerce.number().int().min(1_024).max(1_073_741_824).default(134_217_728),
  /** Input pictures by http:// (not only https://) and from private addresses. For tests and intranets. */
  allowPrivateUrls: z.stringbool().or(z.boolean()).default(false),

  logLevel: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
})
export type Settings = z.infer<typeof Settings>
export type SettingName = keyof Settings

const ENVIRONMENT_NAMES: Partial<Record<SettingName, readonly string[]>> = {
  openaiApiKey: ['OPENAI_API_KEY'],
  openaiBaseUrl: ['OPENAI_BASE_URL'],
  openaiOrgId: ['OPENAI_ORG_ID'],
  openaiProjectId: ['OPENAI_PROJECT_ID'],
  queueUrl: ['QUEUE_URL', 'REDIS_URL'],
  storageUrl: ['STORAGE_URL'],
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
  }
  readonly queue: QueueSettings
  readonly storage: StorageSettings
  readonly stateDir: string
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
  const found = new Map<SettingName, { value: unknown; origin: string }>()
  const lowerSources = [...configFile(cwd), ...dotenvFile(cwd), ...fromEnvironment(env, '')]
  for (const [name, entry] of lowerSources) if (!onlyByFlag.includes(name)) found.set(name, entry)
  for (const [name, entry] of fromFlags(flags)) found.set(name, entry)
  const parsed = Settings.safeParse(
    Object.fromEntries([...found].map(([name, { value }]) => [name, value])),
  )
  if (!parsed.success) throw new ConfigError(describeIssues(parsed.error, found))
  return freezeConfig(parsed.data, cwd, (name) => found.has(name))
}

type Found = [SettingName, { value: unknown; origin: string }][]

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
      return [name as SettingName, { value, origin: `renderq.config.json ${name}` }]
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
  return (Object.keys(Settings.shape) as SettingName[]).flatMap((name) => {
    const candidates = ENVIRONMENT_NAMES[name] ?? [`RENDERQ_${toUpperSnake(name)}`]
    const present = candidates.find((candidate) => (env[candidate] ?? '') !== '')
    return present === undefined
      ? []
      : [[name, { value: env[present], origin: `${where}${present}` }] as Found[number]]
  })
}

/** A command's flags, among them those that are settings, by their names. */
function fromFlags(flags: object): Found {
  return (Object.entries(flags) as [SettingName, unknown][])
    .filter(([name, value]) => value !== undefined && name in Settings.shape)
    .map(([name, value]) => [name, { value, origin: `--${toKebab(name)}` }])
}

function describeIssues(
  error: z.ZodError,
  found: ReadonlyMap<SettingName, { origin: string }>,
): string {
  const lines = error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '')
    if (issue.code === 'unrecognized_keys') return `unknown setting ${issue.keys.join(', ')}`
    return `${found.get(name as SettingName)?.origin ?? name}: ${issue.message}`
  })
  return `bad configuration: ${lines.join('; ')}`
}

function freezeConfig(settings: Settings, cwd: string, isSet: Config['isSet']): Config {
  const { openaiApiKey } = settings
  return Object.freeze({
    openai: Object.freeze({
      apiKey: openaiApiKey === undefined ? undefined : new Secret(openaiApiKey),
      baseUrl: settings.openaiBaseUrl.replace(/\/+$/, ''),
      orgId: settings.openaiOrgId,
      projectId: settings.openaiProjectId,
    }),
    queue: Object.freeze(queueSettings(settings, cwd)),
    storage: Object.freeze(storageSettings(settings.storageUrl, cwd)),
    stateDir: resolve(cwd, settings.stateDir),
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

const toUpperSnake = (name: string) => name.replace(/[A-Z]/g, '_$&').toUpperCase()
const toKebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
