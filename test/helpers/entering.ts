/** Runs that are entered and that nobody works on: a test says itself how their rows end. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunId } from '../../src/job.ts'
import { enqueuePlan, type Enqueued, type RunTerms } from '../../src/producer/enqueue.ts'
import { planManifest, type PlanOptions } from '../../src/producer/plan.ts'
import type { RowResult } from '../../src/queue/ledger.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { resultsPartKey } from '../../src/storage/keys.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import { jobFor, newRun, resultFor } from './jobs.ts'
import { tempDir, type TempDir } from './temp.ts'

export interface EnteringBench extends AsyncDisposable {
  dir: TempDir
  store: Store
  /** Runs of one name are the same work. */
  enter(queue: Queue, rowCount: number, name?: string): Promise<RunId>
  end(queue: Queue, run: RunId, row: number, changes?: Partial<RowResult>): Promise<void>
  /** As a worker stores results, without telling the ledger. */
  storePart(run: RunId, part: number, results: readonly RowResult[]): Promise<void>
}

export interface Entering {
  queue: Queue
  store: Store
  workDir: string
  plan?: Partial<PlanOptions>
  terms?: RunTerms
}

/** Plans a manifest and enters it as a run of its own, as the commands do. */
export async function enterManifest(
  manifest: string,
  { queue, store, workDir, plan: options, terms }: Entering,
): Promise<Enqueued> {
  const run = newRun()
  await using plan = await planManifest({
    manifest,
    run,
    existing: 'replace',
    server: 'other',
    today: new Date(),
    workDir: join(workDir, run),
    ...options,
  })
  return await enqueuePlan(plan, { queue, store }, terms)
}

export const endOf = (run: RunId, row: number, changes: Partial<RowResult> = {}): RowResult =>
  resultFor(jobFor(run, row, { id: `id-${row}` }), changes)

export async function openEnteringBench(): Promise<EnteringBench> {
  const dir = await tempDir()
  const store = await openStore({ kind: 'folder', dir: dir.join('renders') })
  return {
    dir,
    store,
    async enter(queue, rowCount, name = 'catalog') {
      const rows = Array.from({ length: rowCount }, (_, row) => `id-${row},${name} ${row}\n`)
      const manifest = dir.join(`${name}.csv`)
      await writeFile(manifest, `id,prompt\n${rows.join('')}`)
      return (await enterManifest(manifest, { queue, store, workDir: dir.join('plans') })).run
    },
    async end(queue, run, row, changes) {
      const claim = { run, row, fingerprint: 'f'.repeat(64) }
      const result = endOf(run, row, changes)
      await queue.ledger.settle(claim, { epoch: null, callFate: 'unpaid', result })
    },
    async storePart(run, part, results) {
      const lines = results.map((result) => `${JSON.stringify(result)}\n`)
      await store.put(resultsPartKey(run, part), Buffer.from(lines.join('')), {
        contentType: 'application/x-ndjson',
        when: 'absent',
      })
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    },
  }
}
