/** Every setting: what it means, what it accepts, its default, and the variables that set it. */
import { z } from 'zod'

/** From a file a number may come as one, from everywhere else it comes as digits. */
const wholeNumber = (min: number, max: number, byDefault: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,15}$/)
        .transform(Number),
    ])
    .pipe(z.int().min(min).max(max))
    .default(byDefault)
    .describe(`a whole number from ${min} to ${max}`)

const milliseconds = (min: number, max: number, byDefault: number) =>
  wholeNumber(min, max, byDefault).describe(`a whole number of milliseconds from ${min} to ${max}`)

const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const

/**
 * Every setting by its flag name. Each may come from the environment as RENDERQ_<FLAG>; the few with a
 * well-known name elsewhere (OPENAI_API_KEY, QUEUE_URL, …) use that, see `ENVIRONMENT_NAMES`. A description says
 * what is accepted, in the words of the message that refuses everything else.
 */
export const Settings = z.strictObject({
  /** Key of the Images API. Not needed with `--emulator`. */
  openaiApiKey: z.string().min(1).optional().describe('a key'),
  /** Where the Images API is. Never taken from a manifest or a job. */
  openaiBaseUrl: z
    .url({ protocol: /^https?$/ })
    .default('https://api.openai.com/v1')
    .describe('an address that begins with https:// or http://'),
  openaiOrgId: z.string().min(1).optional().describe('the id of an organization'),
  openaiProjectId: z.string().min(1).optional().describe('the id of a project'),
  /** Azure's, for an address that names a deployment and no version. */
  openaiApiVersion: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional()
    .describe('a version such as 2025-04-01-preview'),

  /** redis://, rediss://, postgres:// or postgresql://. Absent: embedded, in `stateDir`. */
  queueUrl: z
    .url({ protocol: /^(rediss?|postgres(ql)?)$/ })
    .optional()
    .describe('an address that begins with redis://, rediss://, postgres:// or postgresql://'),
  /** Keeps several renderqs apart on one server: Redis key prefix and Postgres schema. */
  namespace: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,30}$/)
    .default('renderq')
    .describe('a-z, 0-9 and _, beginning with a letter, at most 31 characters'),
  /** Embedded queue, spool and locks of this folder's renderq. */
  stateDir: z.string().min(1).default('.renderq').describe('a folder'),
  /** Manifests of schedules that are files are read under this folder only. */
  scheduleRoot: z.string().min(1).default('.').describe('a folder'),

  /** s3://bucket/prefix or file:./folder. */
  storageUrl: z
    .string()
    .regex(/^(s3:\/\/[^/]+(\/.*)?|file:.+)$/)
    .default('file:./renders')
    .describe('s3://bucket/prefix or file:./folder'),

  /** Calls at once in this process. More than images-per-minute × seconds-per-call ÷ 60 only waits. */
  concurrency: wholeNumber(1, 1_000, 8),
  /** Tries per row. Waiting for a rate limit costs none. */
  attempts: wholeNumber(1, 50, 5),
  /** First wait after a failed try; doubles each time. */
  backoffMs: milliseconds(1, 600_000, 1_000),
  /** No wait between tries is longer than this, unless the server asks for it. */
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
  imageBytesMax: wholeNumber(1_024, 1_073_741_824, 134_217_728).describe(
    'a whole number of bytes from 1024 to 1073741824',
  ),
  /** Input pictures by http:// (not only https://) and from private addresses. For tests and intranets. */
  allowPrivateUrls: z.stringbool().or(z.boolean()).default(false).describe('true or false'),

  logLevel: z
    .enum(LOG_LEVELS)
    .default('info')
    .describe(`one of ${LOG_LEVELS.join(', ')}`),
})
export type Settings = z.infer<typeof Settings>
export type SettingName = keyof Settings

export const SETTING_NAMES = Object.keys(Settings.shape) as SettingName[]

const ENVIRONMENT_NAMES: Partial<Record<SettingName, readonly string[]>> = {
  openaiApiKey: ['OPENAI_API_KEY'],
  openaiBaseUrl: ['OPENAI_BASE_URL'],
  openaiOrgId: ['OPENAI_ORG_ID'],
  openaiProjectId: ['OPENAI_PROJECT_ID'],
  openaiApiVersion: ['OPENAI_API_VERSION'],
  queueUrl: ['QUEUE_URL', 'REDIS_URL'],
  storageUrl: ['STORAGE_URL'],
}

/** The variables that set it, the first of them before the others. */
export const variablesOf = (name: SettingName): readonly string[] =>
  ENVIRONMENT_NAMES[name] ?? [`RENDERQ_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`]

export const VARIABLES: ReadonlySet<string> = new Set(SETTING_NAMES.flatMap(variablesOf))
