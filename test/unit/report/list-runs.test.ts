import { writeFile, mkdir } from 'node:fs/promises'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { RunId } from '../../../src/job.ts'
import type { Ledger } from '../../../src/queue/ledger.ts'
import type { Queue } from '../../../src/queue/queue.ts'
import { findRunOfRow } from '../../../src/report/find-row-run.ts'
import { listRuns } from '../../../src/report/list-runs.ts'
import { documentAtEnd } from '../../../src/report/run-document-at-end.ts'
import { entryFor, jobFor } from '../../helpers/jobs.ts'
import { tempDir, type TempDir } from '../../helpers/temp.ts'

/** The queue's server has lost everything. */
const ledger: Partial<Ledger> = { latestRuns: async () => [], books: async () => undefined }
const queue = { name: 'redis://queue', ledger } as unknown as Queue

let dir: TempDir
beforeEach(async () => {
  dir = await tempDir()
  onTestFinished(() => dir[Symbol.asyncDispose]())
})
const storage = () => ({ kind: 'folder', dir: dir.path }) as const

async function storeRun(number: number, enteredAt: number): Promise<RunId> {
  const run = `run_${String(number).padStart(10, '0')}`
  const outcomes = { succeeded: 1, reused: 0, failed: 0, refused: 0, held: 0, cancelled: 0 }
  const counts = { settled: 1, pictures: 1, calls: 1, unknownCalls: 0, costMicroUsd: 0 }
  const books = { ...entryFor(run, 1, { enteredAt }), state: 'running', outcomes } as const
  const document = documentAtEnd(
    { ...books, ...counts, resultParts: 0 },
    { entered: undefined, finishedAt: enteredAt + 1 },
  )
  await mkdir(dir.join('_runs', run), { recursive: true })
  await writeFile(dir.join('_runs', run, 'run.json'), JSON.stringify(document))
  return run
}

async function storeRow(run: RunId, id: string): Promise<void> {
  await mkdir(dir.join('_runs', run, 'manifest'))
  const planned = { job: jobFor(run, 0, { id }), columns: {} }
  const part = dir.join('_runs', run, 'manifest', 'part-00001.jsonl')
  await writeFile(part, `${JSON.stringify(planned)}\n`)
}

test('the latest of very many runs are found, wherever their ids stand in the alphabet', async () => {
  const old = Array.from({ length: 1_001 }, (_, number) => storeRun(number, 1_000 + number))
  await Promise.all(old)
  const [latest, second] = [await storeRun(5_000_000, 9_000_000), await storeRun(50, 8_000_000)]

  const { from, runs } = await listRuns(queue, { storage: storage(), runsMax: 3 })

  expect(from).toBe('store')
  expect(runs.map(({ run }) => run)).toEqual([latest, second, 'run_0000001000'])
  expect(runs[0]).not.toHaveProperty('parts')
})

test('a row is looked for in the store where the queue has lost its runs', async () => {
  await storeRow(await storeRun(1, 1_000), 'of-1')
  const run = await storeRun(2, 2_000)
  await storeRow(run, 'of-2')

  await using found = await findRunOfRow('of-2', { queue, storage: storage() })

  expect(found.run).toBe(run)
  await expect(findRunOfRow('of-3', { queue, storage: storage() })).rejects.toThrow(
    'no row "of-3" in the latest runs in the store (2 searched)',
  )
})
