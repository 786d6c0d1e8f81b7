/** Flags that several commands share, each declared once. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { SettingName } from '../config.ts'
import { EXISTING_POLICIES } from '../job.ts'
import { PRIORITIES, type Priority } from '../outcome.ts'

const SETTING_FLAGS: Partial<Record<SettingName, [flags: string, description: string]>> = {
  queueUrl: [
    '--queue-url <url>',
    'redis:// or postgres://; without it the queue is embedded in --state-dir (env QUEUE_URL)',
  ],
  storageUrl: [
    '--storage-url <url>',
    's3://bucket/prefix or file:./folder (env STORAGE_URL, default file:./renders)',
  ],
  stateDir: [
    '--state-dir <folder>',
    'embedded queue and spool (env RENDERQ_STATE_DIR, default .renderq)',
  ],
  scheduleRoot: [
    '--schedule-root <folder>',
    "schedules' manifests are read under it only (env RENDERQ_SCHEDULE_ROOT, default the current folder)",
  ],
  namespace: [
    '--namespace <name>',
    'keeps several renderqs apart on one server (env RENDERQ_NAMESPACE, default renderq)',
  ],
  openaiBaseUrl: [
    '--openai-base-url <url>',
    'the Images API, or a server compatible with it (env OPENAI_BASE_URL)',
  ],
  concurrency: [
    '--concurrency <count>',
    'calls at once in this process (env RENDERQ_CONCURRENCY, default 8)',
  ],
  attempts: ['--attempts <count>', 'tries per row (env RENDERQ_ATTEMPTS, default 5)'],
  requestTimeoutMs: [
    '--request-timeout-ms <ms>',
    'deadline of one call (env RENDERQ_REQUEST_TIMEOUT_MS, default 600000)',
  ],
  drainTimeoutMs: [
    '--drain-timeout-ms <ms>',
    'how long paid calls may finish after a stop (env RENDERQ_DRAIN_TIMEOUT_MS, default 630000)',
  ],
  logLevel: ['--log-level <level>', 'silent, error, warn, info or debug (env RENDERQ_LOG_LEVEL)'],
}

export const STORE_AND_QUEUE = [
  'queueUrl',
  'storageUrl',
  'stateDir',
  'namespace',
  'logLevel',
] as const
export const WORKING = [
  'openaiBaseUrl',
  'concurrency',
  'attempts',
  'requestTimeoutMs',
  'drainTimeoutMs',
] as const

export function addSettings(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const [flags, description] = SETTING_FLAGS[name] ?? []
    if (flags !== undefined)
      command.addOption(new Option(flags, description).helpGroup('Settings:'))
  }
  return command
}

export interface PlanFlags {
  prompt?: string
  set: Record<string, string>
  name?: string
  existing: (typeof EXISTING_POLICIES)[number]
  keepPartials: boolean
  /** In the order they were given. */
  map?: readonly { target: string; source: string }[]
  fillDown?: readonly string[]
  only?: readonly string[]
  rows?: string
  where?: string
  first?: number
  sample?: number
  force?: boolean
  checkInputs?: boolean
  priority?: Priority
}

const SAMPLE_ROWS_MAX = 10_000

export function addPlanFlags(command: Command): Command {
  addManifestFlags(command)
  for (const option of selectionFlags()) command.addOption(option.helpGroup('Rows:'))
  for (const option of runFlags()) command.addOption(option.helpGroup('Run:'))
  return command
}

function addManifestFlags(command: Command): void {
  command
    .argument('<manifest>', 'CSV, TSV, JSON or JSON Lines; - reads stdin')
    .addOption(
      new Option(
        '--prompt <text>',
        'the prompt of rows without one; a Liquid template over the columns',
      ).helpGroup('Manifest:'),
    )
    .addOption(
      new Option('--set <column=value>', 'a column that rows lack; may be repeated')
        .argParser(collectAssignment)
        .default({}, 'none')
        .helpGroup('Manifest:'),
    )
    .addOption(
      new Option('--name <template>', 'object names (default "{{ manifest }}/{{ id }}")').helpGroup(
        'Manifest:',
      ),
    )
    .addOption(
      new Option('--existing <policy>', 'when an older version of a row is stored')
        .choices(EXISTING_POLICIES)
        .default('replace')
        .helpGroup('Manifest:'),
    )
    .addOption(
      new Option('--keep-partials', 'store the partial pictures of streams beside the results')
        .default(false)
        .helpGroup('Manifest:'),
    )
    .addOption(
      new Option(
        '--map <column=source>',
        'a column of the manifest that stands for another, e.g. id="Variant SKU"; may be repeated',
      )
        .argParser(collectMapping)
        .default([], 'none')
        .helpGroup('Manifest:'),
    )
    .addOption(
      new Option(
        '--fill-down <columns>',
        'columns whose blank cells take the value above, within one product; the first tells products apart',
      )
        .argParser(collectList)
        .default([], 'none')
        .helpGroup('Manifest:'),
    )
}

const selectionFlags = (): Option[] => [
  new Option('--only <ids>', 'rows with these ids').argParser(collectList),
  new Option('--rows <ranges>', 'rows by their number, e.g. 1-50,60,200-').argParser(
    listedTogether,
  ),
  new Option(
    '--where <conditions>',
    "rows by their columns: =, !=, ~, e.g. 'category=mug'",
  ).argParser(listedTogether),
  new Option('--first <count>', 'of these, the first so many').argParser(wholeNumber(Infinity)),
  new Option('--sample <count>', 'of these, so many: the same ones every time').argParser(
    wholeNumber(SAMPLE_ROWS_MAX),
  ),
]

const runFlags = (): Option[] => [
  new Option('--force', 'render rows again that are stored already').default(false),
  new Option(
    '--check-inputs',
    'render rows again whose input pictures have changed behind the same URL',
  ).default(false),
  new Option('--priority <level>', 'rows of a higher one are rendered first')
    .choices(PRIORITIES)
    .default(undefined, 'normal'),
]

export const jsonFlag = () =>
  new Option('--json', 'for programs: JSON on stdout').default(false).helpGroup('Output:')

/** Accepted already, so that scripts written today keep working once a command asks. */
export const yesFlag = () =>
  new Option('--yes', 'for later: nothing asks before spending yet')
    .default(false)
    .helpGroup('Output:')

function collectAssignment(text: string, before: Record<string, string>): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError(`write it as column=value, e.g. --set quality=low`)
  }
  return { ...before, [name.trim()]: value }
}

function collectMapping(text: string, before: PlanFlags['map'] = []): PlanFlags['map'] {
  const [, target = '', source = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (target.trim() === '' || source.trim() === '') {
    throw new InvalidArgumentError(`write it as column=source, e.g. --map id="Variant SKU"`)
  }
  return [...before, { target: target.trim(), source: source.trim() }]
}

/** `a,b`; names with commas in double quotes. */
function collectList(text: string, before: readonly string[] = []): readonly string[] {
  const entries = [...text.matchAll(/"((?:[^"]|"")*)"|[^,]+/g)].map(([plain, quoted]) =>
    (quoted?.replaceAll('""', '"') ?? plain).trim(),
  )
  return [...before, ...entries.filter((entry) => entry !== '')]
}

/** Conditions and ranges are lists with commas already: a flag that comes again goes on with its list. */
export const listedTogether = (text: string, before?: string): string =>
  before === undefined ? text : `${before},${text}`

const wholeNumber =
  (max: number) =>
  (text: string): number => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (number >= 1 && number <= max) return number
    throw new InvalidArgumentError(
      max === Infinity ? 'write a number from 1 on' : `write a number from 1 to ${max}`,
    )
  }
