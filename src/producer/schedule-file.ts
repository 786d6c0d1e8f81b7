/** The file of schedules: its schema, and a reader that reports everything wrong with it at once. */
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { EXISTING_POLICIES } from '../job.ts'
import { nearest } from '../nearest.ts'
import { PRIORITIES } from '../outcome.ts'
import { parseRowRanges } from './row-ranges.ts'
import { SAMPLE_ROWS_MAX } from './row-selection.ts'
import { ACCEPTED_CRON, checkCron, isTimeZone } from './schedule-times.ts'
import { parseWhere } from './where.ts'

const SCHEDULES_MAX = 1_000
const FILE_CHARS_MAX = 4 * 1024 * 1024
const DAY_SECONDS = 86_400
const VALUE_SHOWN_CHARS_MAX = 60

function isTakenBy(parse: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      parse(text)
      return true
    } catch {
      return false
    }
  }
}

/** The flags of `enqueue` that decide what is planned, by their names. */
export const ScheduleSettings = z.strictObject({
  prompt: z.string().min(1).max(32_000).optional().describe('a text'),
  set: z
    .record(z.string().min(1), z.union([z.string(), z.number(), z.boolean()]))
    .optional()
    .describe('an object of columns and their values'),
  name: z.string().min(1).max(1_000).optional().describe('a template of object names'),
  existing: z
    .enum(EXISTING_POLICIES)
    .optional()
    .describe(`one of ${EXISTING_POLICIES.join(', ')}`),
  keepPartials: z.boolean().optional().describe('true or false'),
  priority: z
    .enum(PRIORITIES)
    .optional()
    .describe(`one of ${PRIORITIES.join(', ')}`),
  map: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe('an object of columns and the columns of the manifest that stand for them'),
  fillDown: z.array(z.string().min(1)).optional().describe('an array of columns'),
  only: z.array(z.string().min(1)).optional().describe('an array of ids'),
  rows: z.string().refine(isTakenBy(parseRowRanges)).optional().describe('ranges such as 1-50,60'),
  where: z
    .string()
    .refine(isTakenBy(parseWhere))
    .optional()
    .describe('conditions such as category=mug'),
  first: z.int().min(1).optional().describe('a whole number from 1'),
  sample: z
    .int()
    .min(1)
    .max(SAMPLE_ROWS_MAX)
    .optional()
    .describe(`a whole number from 1 to ${SAMPLE_ROWS_MAX}`),
  force: z.boolean().optional().describe('true or false'),
  checkInputs: z.boolean().optional().describe('true or false'),
})
export type ScheduleSettings = z.infer<typeof ScheduleSettings>

const CONCURRENCY_POLICIES = ['forbid', 'allow', 'replace'] as const
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
const MANIFEST = /^(s3:\/\/[^/]+\/.+|store:.+|(?![a-z][a-z0-9+.-]*:\/\/|store:|-$).+)$/is

const scheduleShape = {
  name: z
    .string()
    .regex(NAME)
    .describe('a-z, 0-9 and -, at most 63 characters, no - at its ends; unique in the file'),
  cron: z.string().max(200).describe(ACCEPTED_CRON.replace('must be ', '')),
  timeZone: z
    .string()
    .max(100)
    .refine(isTimeZone)
    .default('UTC')
    .describe('an IANA time zone such as Europe/Berlin'),
  manifest: z
    .string()
    .max(2_000)
    .regex(MANIFEST)
    .describe('a path relative to this file, store:<key>, or s3://bucket/key'),
  settings: ScheduleSettings.default({}).describe('an object of flags of enqueue'),
  budgetUsd: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe('US dollars above 0; kept, but not enforced yet'),
  concurrencyPolicy: z
    .enum(CONCURRENCY_POLICIES)
    .default('forbid')
    .describe(`one of ${CONCURRENCY_POLICIES.join(', ')}`),
  startingDeadlineSeconds: z
    .int()
    .min(1)
    .max(7 * DAY_SECONDS)
    .default(3_600)
    .describe(`a whole number from 1 to ${7 * DAY_SECONDS}`),
  suspend: z.boolean().default(false).describe('true or false'),
}

export const Schedule = z.strictObject({
  ...scheduleShape,
  cron: scheduleShape.cron.refine((cron) => checkCron(cron) === undefined),
})
export type Schedule = z.infer<typeof Schedule>

/** What the queue may hold: seconds, a sixth field in front, make no harm there and tests quick. */
export const StoredSchedule = z.strictObject({
  ...scheduleShape,
  cron: scheduleShape.cron.refine((cron) => checkCron(cron, { allowSeconds: true }) === undefined),
})

export const ScheduleFile = z.strictObject({
  $schema: z.string().optional().describe('an address of the JSON Schema'),
  version: z.literal(1).describe('1'),
  schedules: z
    .array(Schedule)
    .max(SCHEDULES_MAX)
    .describe(`an array of at most ${SCHEDULES_MAX} schedules`),
})

export interface ReadOptions {
  /** For messages. */
  file: string
  /** Six fields, the first of them seconds: for tests alone. */
  allowSeconds?: boolean
}

/** Throws ConfigError naming every problem, where it is and what is accepted. */
export function parseSchedules(text: string, { file, allowSeconds = false }: ReadOptions) {
  const raw = parseJson(text, file)
  const schema = allowSeconds
    ? ScheduleFile.extend({ schedules: z.array(StoredSchedule).max(SCHEDULES_MAX) })
    : ScheduleFile
  const parsed = schema.safeParse(raw)
  const problems = [
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => describe(issue, raw))),
    ...duplicateNames(raw),
  ]
  if (parsed.success && problems.length === 0) return parsed.data.schedules
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
  throw new ConfigError(
    [`${file} has ${count}; nothing was changed`, ...problems.map((line) => `  ${line}`)].join(
      '\n',
    ),
  )
}

function parseJson(text: string, file: string): unknown {
  if (text.length > FILE_CHARS_MAX) throw new ConfigError(`${file} is too large: at most 4 MB`)
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw new ConfigError(`${file} is not valid JSON: ${String(cause)}`, { cause })
  }
}

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

function describe(issue: Issue, raw: unknown): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(shapeAt(issue.path))
    return issue.keys.map((key) => {
      const meant = nearest(key, known)
      const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
      return `${place([...issue.path, key])}: there is no such key (${hint})`
    })
  }
  const value = valueAt(raw, issue.path)
  const accepted = acceptedAt(issue.path)
  if (value === undefined) return [`${place(issue.path)} is missing: must be ${accepted}`]
  const shown = JSON.stringify(value)
  const instead = shown.length <= VALUE_SHOWN_CHARS_MAX ? ` ${shown}` : ''
  return [
    `${place(issue.path)}${instead}: ${particular(issue.path, value) ?? `must be ${accepted}`}`,
  ]
}

/** Where more can be said than what is accepted. */
function particular(path: Path, value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  if (path.at(-1) === 'cron') return checkCron(value)
  if (path.at(-1) !== 'timeZone') return undefined
  const meant = nearest(value, Intl.supportedValuesOf('timeZone'))
  const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`
  return `must be ${acceptedAt(path)}${hint}`
}

function duplicateNames(raw: unknown): string[] {
  const schedules = valueAt(raw, ['schedules'])
  const names = (Array.isArray(schedules) ? schedules : []).map((each) => valueAt(each, ['name']))
  return names.flatMap((name, index) => {
    const first = names.indexOf(name)
    if (typeof name !== 'string' || first === index) return []
    return [`schedules[${index}].name "${name}": is also the name of schedules[${first}]`]
  })
}

/** `schedules[0].settings.set` */
const place = (path: Path): string =>
  path.length === 0
    ? 'the file'
    : path
        .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
        .join('')
        .replace(/^\./, '')

function shapeAt(path: Path): Record<string, z.ZodType> {
  if (path[0] !== 'schedules') return ScheduleFile.shape
  return path[2] === 'settings' ? ScheduleSettings.shape : Schedule.shape
}

function acceptedAt([key, index, field, setting]: Path): string {
  if (key === undefined) return 'one object with "version": 1 and "schedules"'
  if (index === undefined || key !== 'schedules') return acceptedBy(ScheduleFile.shape, key)
  if (field === undefined) return 'an object'
  return field === 'settings' && setting !== undefined
    ? acceptedBy(ScheduleSettings.shape, setting)
    : acceptedBy(Schedule.shape, field)
}

const acceptedBy = (shape: Record<string, z.ZodType>, key: PropertyKey): string =>
  shape[String(key)]?.description ?? ''

function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, step) =>
      typeof value === 'object' && value !== null
        ? (value as Record<PropertyKey, unknown>)[step]
        : undefined,
    raw,
  )
}
