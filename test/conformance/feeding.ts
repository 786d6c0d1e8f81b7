/** What the steps of a run must do on every backend when the queue, the ledger or a worker has lost something. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLogger } from '../../src/logger.ts'
import type { RenderJob, RunId } from '../../src/job.ts'
import type { Queue, RunCursor } from '../../src/queue/queue.ts'
import { manifestPartKey, resultsPartKey } from '../../src/storage/keys.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { Store } from '../../src/storage/store.ts'
import type { RowResult } from '../../src/row-result.ts'
import { STEPS_FOR_ANSWERS_MAX, stepRun } from '../../src/worker/run.ts'
import { entryFor, jobFor, newRun, resultFor } from '../helpers/jobs.ts'
import { jsonLines } from '../helpers/pipeline.ts'
import { tempDir, type TempDir } from '../helpers/temp.ts'
import { until } from '../helpers/until.ts'

const CALLING = { calling: true, unknownCallsMax: 5 }
const START: RunCursor = { nextRow: 0 }
const FED = 16

export function putsBackWhatWasLost(name: string, queueOf: () => Queue): void {
  describe(`feeding: ${name}`, () => {
    let dir: TempDir
    let store: Store
    beforeAll(async () => {
      dir = await tempDir()
      store = await openStore({ kind: 'folder', dir: dir.join('renders') })
    })
    afterAll(async () => {
      await store[Symbol.asyncDispose]()
      await dir[Symbol.asyncDispose]()
    })

    const ledgerOf = () => queueOf().ledger

    async function enter(rowCount: number): Promise<{ run: RunId; jobs: RenderJob[] }> {
      const run = newRun()
      const jobs = Array.from({ length: rowCount }, (_, row) => jobFor(run, row))
      await putLines(manifestPartKey(run, 1), jobs)
      await ledgerOf().openRun(entryFor(run, rowCount, { store: store.url }))
      return { run, jobs }
    }

    function putLines(key: string, lines: readonly unknown[]) {
      const body = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
      return store.put(key, body, { contentType: 'application/x-ndjson', when: 'always' })
    }

    async function step(
      run: RunId,
      cursor: RunCursor,
      queue = queueOf(),
    ): Promise<RunCursor | 'over'> {
      const tools = { queue, store, logger: openLogger('silent'), attempts: 1 }
      const next = await stepRun(run, cursor, { ...tools, workDir: dir.join('runs') })
      return next === 'over' ? next : next.cursor
    }

    async function fed(run: RunId): Promise<RunCursor> {
      const cursor = await step(run, START)
      if (cursor === 'over') throw new Error('the run is over before it was fed')
      expect(cursor.nextRow).toBe(FED)
      return cursor
    }

    /** Rows that leave the queue without an outcome are what a server's crash makes of them. */
    async function loseAllRows(): Promise<void> {
      const consumer = await queueOf().consume(
        { render: async () => {}, run: async () => 'over' },
        {
          concurrency: 50,
          lockDurationMs: 30_000,
          stalledIntervalMs: 15_000,
          backoff: () => 10,
          onTrouble: () => {},
        },
      )
      await until(async () =>
        Object.values(await queueOf().renderCounts()).every((rows) => rows === 0),
      )
      await consumer.drain(5_000)
    }

    const onQueue = async (run: RunId, rowCount: number) => {
      const rows = Array.from({ length: rowCount }, (_, row) => row)
      const missing = await queueOf().missingRenders(run, rows)
      return rows.filter((row) => !missing.includes(row))
    }
    const rowsTo = (end: number) => Array.from({ length: end }, (_, row) => row)

    test('rows that are lost while the run is still being fed are put back', async () => {
      const { run, jobs } = await enter(40)
      const cursor = await fed(run)
      const ended = jobs[3]!
      await ledgerOf().settle(ended, { epoch: null, callFate: 'unpaid', result: resultFor(ended) })
      await loseAllRows()

      await step(run, { ...cursor, lookedAt: Date.now() })

      expect((await onQueue(run, 40)).slice(0, FED - 1)).toEqual(
        rowsTo(FED).filter((row) => row !== 3),
      )
    })

    test('rows of another run do not hide for long that some are lost', async () => {
      const { run } = await enter(FED)
      const cursor = await fed(run)
      await loseAllRows()
      const { jobs: others } = await enter(2 * FED)
      await queueOf().addRenders(others, { attempts: 1 })

      const soon = await step(run, { ...cursor, lookedAt: Date.now() })
      expect(await onQueue(run, FED)).toEqual([])
      const later = await step(run, { ...cursor, lookedAt: 0 })

      expect(await onQueue(run, FED)).toEqual(rowsTo(FED))
      expect(soon).toMatchObject({ nextRow: FED })
      expect(later).toMatchObject({ nextRow: FED, lookedAt: expect.any(Number) })
    })

    test('however many runs there are and rows of theirs on the queue, each is fed', async () => {
      const { run } = await enter(40)
      const crowded: Queue = Object.create(queueOf(), {
        runCount: { value: async () => 5_000 },
        renderCounts: { value: async () => ({ waiting: 0, active: 0, delayed: 9_000 }) },
      })

      expect(await step(run, START, crowded)).toMatchObject({ nextRow: 1 })
    })

    test('a cancelled run brings back the rows with a call, and is over when these are', async () => {
      const { run, jobs } = await enter(FED)
      const cursor = await fed(run)
      const [sent, answered] = [jobs[2]!, jobs[5]!]
      await ledgerOf().begin(sent, CALLING)
      await ledgerOf().begin(answered, CALLING)
      await ledgerOf().release(answered, 1, 'answered')
      await loseAllRows()
      await ledgerOf().steer(run, 'cancel')

      expect(await step(run, cursor)).not.toBe('over')
      expect(await onQueue(run, FED)).toEqual([2, 5])
      expect(await ledgerOf().begin(sent, CALLING)).toEqual({ kind: 'cancelled' })
      expect(await step(run, cursor)).not.toBe('over')
      await ledgerOf().begin(answered, { ...CALLING, calling: false })
      const stored = { epoch: 2, callFate: 'unpaid' as const, result: resultFor(answered) }
      expect(await ledgerOf().settle(answered, stored)).toBe('settled')

      expect(await step(run, cursor)).toBe('over')
      expect(await ledgerOf().books(run)).toMatchObject({
        outcomes: { succeeded: 1, cancelled: FED - 1 },
        calls: 2,
        unknownCalls: 1,
        costMicroUsd: 5_000,
      })
    })

    test('an answer that nobody stores holds a cancelled run up only so long, and counts as paid', async () => {
      const { run, jobs } = await enter(3)
      await ledgerOf().begin(jobs[0]!, CALLING)
      await ledgerOf().release(jobs[0]!, 1, 'answered')
      await ledgerOf().steer(run, 'cancel')
      await putLines(`_runs/${run}/run.json`, [])

      const last = { ...START, stepsForAnswers: STEPS_FOR_ANSWERS_MAX - 1 }
      const next = await step(run, last)
      expect(next).toMatchObject({ stepsForAnswers: STEPS_FOR_ANSWERS_MAX })
      expect(await step(run, next as RunCursor)).toBe('over')

      expect(await ledgerOf().books(run)).toMatchObject({ calls: 1, unknownCalls: 1 })
    })

    test('a part that stands from before a loss is kept, and every row has one result', async () => {
      const { run, jobs } = await enter(4)
      const standing = [jobs[2]!, jobs[3]!].map((job) => resultFor(job))
      await putLines(resultsPartKey(run, 1), standing)
      for (const job of jobs) {
        const result = resultFor(job, { outcome: 'reused', calls: 0, costUsd: 0 })
        await ledgerOf().settle(job, { epoch: null, callFate: 'unpaid', result })
      }

      expect(await step(run, START)).toBe('over')

      const results = await jsonLines<RowResult>(store, `_runs/${run}/results.jsonl`)
      expect(results.map(({ row, outcome }) => `${row} ${outcome}`)).toEqual([
        '0 reused',
        '1 reused',
        '2 succeeded',
        '3 succeeded',
      ])
    })
  })
}
