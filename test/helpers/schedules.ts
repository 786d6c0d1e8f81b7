/** Schedules for tests: a folder with a manifest, a store beside it, and what a schedule needs to fire. */
import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { scheduleToolsFor } from '../../src/cli/schedule-tools.ts'
import { loadConfig, type Config } from '../../src/config.ts'
import { openLogger, type Logger } from '../../src/logger.ts'
import { applySchedules, findSchedule } from '../../src/producer/schedule-apply.ts'
import { parseSchedules } from '../../src/producer/schedule-file.ts'
import type { ScheduleTools } from '../../src/producer/schedule-fire.ts'
import { readScheduleState, type ScheduleState } from '../../src/producer/schedule-state.ts'
import type { RunBooks } from '../../src/queue/ledger.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { RunDocument } from '../../src/run-document.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { tempDir, type TempDir } from './temp.ts'

export interface ScheduleBench extends AsyncDisposable {
  dir: TempDir
  store: Store
  /** What was logged, one object a line. */
  log: Record<string, unknown>[]
  config(settings?: object): Config
  tools(config?: Config): ScheduleTools
  /** Replaces the manifest as an export does: at once. */
  export(text: string, name?: string): Promise<void>
  /** Applies one schedule of a file, seconds allowed, to the queue. */
  apply(schedule: object): Promise<void>
  /** What its ticks carry. */
  payloadOf(name: string): Promise<unknown>
  state(name: string): Promise<ScheduleState>
  /** What was entered for this store, the oldest first. */
  books(): Promise<RunBooks[]>
  /** The same as the store has it while they are not over. */
  documents(): Promise<RunDocument[]>
}

export async function openScheduleBench(queueOf: () => Queue): Promise<ScheduleBench> {
  const dir = await tempDir()
  const store = await openStore({ kind: 'folder', dir: dir.join('renders') })
  const log: Record<string, unknown>[] = []
  const config = (settings: object = {}) =>
    loadConfig(
      { stateDir: dir.join('state'), storageUrl: `file:${dir.join('renders')}`, ...settings },
      { cwd: dir.path, env: {} },
    )
  return {
    dir,
    store,
    log,
    config,
    tools: (with_ = config()) =>
      scheduleToolsFor(with_, { queue: queueOf(), store, logger: loggerInto(log) }),
    async export(text, name = 'catalog.csv') {
      await writeFile(dir.join(`${name}.new`), text)
      await rename(dir.join(`${name}.new`), dir.join(name))
    },
    async apply(schedule) {
      const text = JSON.stringify({ version: 1, schedules: [schedule] })
      const schedules = parseSchedules(text, { file: 'schedules.json', allowSeconds: true })
      await applySchedules(schedules, queueOf().schedules, { prune: true })
    },
    payloadOf: (name) => findSchedule(name, queueOf().schedules),
    state: (name) => readScheduleState(name, store),
    async books() {
      const latest = await queueOf().ledger.latestRuns(1_000)
      return latest.filter((books) => books.store === store.url).toReversed()
    },
    documents: () => documentsIn(store, dir),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

function loggerInto(log: Record<string, unknown>[]): Logger {
  const logger = openLogger('silent')
  const keep = (level: string) => (facts: object, message: string) =>
    void log.push({ level, message, ...facts })
  return Object.assign(logger, {
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
  })
}

async function documentsIn(store: Store, dir: TempDir): Promise<RunDocument[]> {
  const runs: RunDocument[] = []
  for await (const { key } of store.list('_runs/')) {
    if (!key.endsWith('/run.json')) continue
    const text = readFileSync(dir.join('renders', key), 'utf8')
    runs.push(RunDocument.parse(JSON.parse(text)))
  }
  return runs
}
