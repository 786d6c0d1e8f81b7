/**
 * The whole way of a manifest in one process, on real parts: emulator over a socket, a queue, a folder. For tests
 * that look at what a run comes to.
 */
import { writeFile } from 'node:fs/promises'
import { loadConfig } from '../../src/config.ts'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { startEmulator, type EmulatorOptions } from '../../src/emulator/server.ts'
import type { EmulatorStats } from '../../src/emulator/stats.ts'
import type { RunId } from '../../src/job.ts'
import { openLogger } from '../../src/logger.ts'
import type { PlanOptions } from '../../src/producer/plan.ts'
import type { RowResult, RunBooks } from '../../src/queue/ledger.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { RenderRecord } from '../../src/record.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { startWorker } from '../../src/worker/worker.ts'
import { enterManifest } from './entering.ts'
import { tempDir, type TempDir } from './temp.ts'
import { until } from './until.ts'

export interface Rendered {
  run: RunId
  books: RunBooks
  results: RowResult[]
  /** By row id. */
  records: Map<string, RenderRecord>
  calls: EmulatorStats
}

export interface Pipeline extends AsyncDisposable {
  dir: TempDir
  store: Store
  /** Renders a manifest to its end and looks at everything. */
  render(csv: string, options?: RenderOptions): Promise<Rendered>
}

export interface RenderOptions {
  faults?: FaultRule[]
  emulator?: EmulatorOptions
  settings?: Record<string, unknown>
  plan?: Partial<PlanOptions>
  /** What to wait for; the end of the run by default. */
  until?: (run: RunId, queue: Queue) => Promise<boolean>
  /** Name of the manifest file. */
  name?: string
}

const QUICK = {
  attempts: 3,
  backoffMs: 10,
  backoffMaxMs: 50,
  lockDurationMs: 30_000,
  concurrency: 4,
}

export async function openPipeline(queueOf: () => Queue): Promise<Pipeline> {
  const dir = await tempDir()
  const store = await openStore({ kind: 'folder', dir: dir.join('renders') })

  async function render(csv: string, options: RenderOptions = {}): Promise<Rendered> {
    const queue = queueOf()
    const manifest = dir.join(options.name ?? 'catalog.csv')
    await writeFile(manifest, csv)
    const emulator = { ...options.emulator, faults: options.faults ?? [] }
    await using api = await startEmulator(emulator)
    const config = loadConfig(
      {
        ...QUICK,
        stateDir: dir.join('state'),
        openaiBaseUrl: api.baseUrl,
        openaiApiKey: 'sk-test-canary-0123456789',
        ...options.settings,
      },
      { cwd: dir.path, env: {} },
    )
    const parts = { queue, store, logger: openLogger('silent') }
    await using worker = await startWorker(config, parts)
    const workDir = dir.join('plans')
    const opened = await enterManifest(manifest, { queue, store, workDir, ...options })
    const isOver = options.until ?? runIsFinished
    await until(() => isOver(opened.run, queue))
    await worker.drain(5_000)
    return look(opened.run, { queue, store, calls: api.stats() })
  }

  return {
    dir,
    store,
    render,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}

async function runIsFinished(run: RunId, queue: Queue): Promise<boolean> {
  return (await queue.ledger.books(run))?.state === 'finished'
}

async function look(
  run: RunId,
  { queue, store, calls }: { queue: Queue; store: Store; calls: EmulatorStats },
): Promise<Rendered> {
  const books = await queue.ledger.books(run)
  if (books === undefined) throw new Error('the ledger lost the run')
  const results = await jsonLines<RowResult>(store, `_runs/${run}/results.jsonl`)
  const records = await allRecords(store)
  return { run, books, results, records, calls }
}

/** Its last file is there. Costs next to nothing, where asking `status` starts a process each time. */
export const untilOver = (run: string, store: Store, withinMs = 60_000): Promise<void> =>
  until(async () => (await store.head(`_runs/${run}/_SUCCESS`)) !== undefined, {
    withinMs,
    everyMs: 100,
  })

export async function jsonLines<T>(store: Store, key: string): Promise<T[]> {
  const bytes = await store.get(key, { bytesMax: 1e9 })
  const lines = (bytes?.toString('utf8') ?? '').split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as T)
}

export async function allRecords(store: Store): Promise<Map<string, RenderRecord>> {
  const records = new Map<string, RenderRecord>()
  for await (const { key } of store.list('_records/')) {
    const bytes = await store.get(key, { bytesMax: 1e7 })
    const document: unknown = JSON.parse(bytes!.toString('utf8'))
    const record = RenderRecord.safeParse(document)
    if (record.success) records.set(record.data.id, record.data)
  }
  return records
}
