/** What every ledger must do. Called once per backend with a way to open a fresh one. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ledger, RowClaim } from '../../src/queue/ledger.ts'
import { entryFor, jobFor, newRun, resultFor } from '../helpers/jobs.ts'

const CALLING = { calling: true, unknownCallsMax: 3 }

export function keepsTheLedgerContract(name: string, ledgerOf: () => Ledger): void {
  describe(`ledger: ${name}`, () => {
    async function openRun(rowCount = 10) {
      const ledger = ledgerOf()
      const run = newRun()
      await ledger.openRun(entryFor(run, rowCount))
      return { ledger, run }
    }

    async function begin(ledger: Ledger, claim: RowClaim): Promise<number> {
      const begun = await ledger.begin(claim, CALLING)
      if (begun.kind !== 'go') throw new Error(`expected go, got ${begun.kind}`)
      return begun.epoch
    }

    test('a run that was opened is found with its entry and empty books', async () => {
      const { ledger, run } = await openRun(7)

      const books = await ledger.books(run)

      expect(books).toMatchObject({ ...entryFor(run, 7), state: 'running', settled: 0, calls: 0 })
      expect(await ledger.books(newRun())).toBeUndefined()
    })

    test('the same work is continued while it is unfinished, and opened anew afterwards', async () => {
      const { ledger, run } = await openRun()
      const digest = entryFor(run, 10).digest
      const second = entryFor(newRun(), 10, { digest })

      expect(await ledger.findUnfinished(digest)).toBe(run)
      expect(await ledger.openRun(second)).toEqual({ kind: 'continued', run })
      await ledger.finishRun(run, 1)
      expect(await ledger.findUnfinished(digest)).toBeUndefined()
      expect(await ledger.openRun(second)).toEqual({ kind: 'opened', run: second.run })
    })

    test('of twenty openings of the same work at once, all name one run', async () => {
      const ledger = ledgerOf()
      const digest = newRun()
      const entries = Array.from({ length: 20 }, () => entryFor(newRun(), 3, { digest }))

      const opened = await Promise.all(entries.map((entry) => ledger.openRun(entry)))

      expect(new Set(opened.map(({ run }) => run)).size).toBe(1)
      expect(opened.filter(({ kind }) => kind === 'opened')).toHaveLength(1)
    })

    test('the latest runs come first', async () => {
      const ledger = ledgerOf()
      const [older, newer] = [newRun(), newRun()]
      await ledger.openRun(entryFor(older, 1, { enteredAt: 4_000_000_000_000 }))
      await ledger.openRun(entryFor(newer, 1, { enteredAt: 4_000_000_000_001 }))

      const runs = await ledger.latestRuns(2)

      expect(runs.map(({ run }) => run)).toEqual([newer, older])
    })

    test('begin counts calls and raises the epoch; settle ends the row once', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 3)

      expect(await ledger.begin(job, CALLING)).toEqual({
        kind: 'go',
        epoch: 1,
        calls: 1,
        unknownCalls: 0,
      })
      const settlement = { epoch: 1, callFate: 'unpaid' as const, result: resultFor(job) }
      expect(await ledger.settle(job, settlement)).toBe('settled')
      expect(await ledger.settle(job, settlement)).toBe('already')
      expect(await ledger.begin(job, CALLING)).toEqual({ kind: 'done' })

      const books = await ledger.books(run)
      expect(books).toMatchObject({
        settled: 1,
        calls: 1,
        unknownCalls: 0,
        pictures: 1,
        costMicroUsd: 5_000,
      })
      expect(books?.outcomes.succeeded).toBe(1)
    })

    test('an epoch that is no longer current changes nothing', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      const first = await begin(ledger, job)
      const second = await begin(ledger, job)

      expect(second).toBe(first + 1)
      expect(await ledger.release(job, first, 'unpaid')).toBe(false)
      const stale = { epoch: first, callFate: 'unpaid' as const, result: resultFor(job) }
      expect(await ledger.settle(job, stale)).toBe('stale')
      expect((await ledger.books(run))?.settled).toBe(0)
    })

    test('a call whose worker vanished is booked as unknown when the row is begun again', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      await begin(ledger, job)

      expect(await ledger.begin(job, CALLING)).toEqual({
        kind: 'go',
        epoch: 2,
        calls: 2,
        unknownCalls: 1,
      })
      expect(await ledger.books(run)).toMatchObject({ calls: 2, unknownCalls: 1 })
    })

    test('a row whose calls keep ending unknown is held', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      for (let call = 0; call < 3; call++) await begin(ledger, job)

      expect(await ledger.begin(job, CALLING)).toEqual({ kind: 'held', calls: 3, unknownCalls: 3 })
    })

    test.each([
      { fate: 'not-sent' as const, calls: 0, unknownCalls: 0 },
      { fate: 'unpaid' as const, calls: 1, unknownCalls: 0 },
      { fate: 'presumed-paid' as const, calls: 1, unknownCalls: 1 },
    ])('a call released as $fate counts as it should', async ({ fate, ...counts }) => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      const epoch = await begin(ledger, job)

      expect(await ledger.release(job, epoch, fate)).toBe(true)

      expect(await ledger.books(run)).toMatchObject(counts)
      const again = await ledger.begin(job, CALLING)
      expect(again).toMatchObject({
        kind: 'go',
        calls: counts.calls + 1,
        unknownCalls: counts.unknownCalls,
      })
    })

    test.each([
      { fate: 'not-sent' as const, calls: 0, unknownCalls: 0 },
      { fate: 'unpaid' as const, calls: 1, unknownCalls: 0 },
      { fate: 'presumed-paid' as const, calls: 1, unknownCalls: 1 },
    ])(
      'a row that fails after a call that was $fate counts as it should',
      async ({ fate, ...counts }) => {
        const { ledger, run } = await openRun()
        const job = jobFor(run, 0)
        const epoch = await begin(ledger, job)
        const result = resultFor(job, { outcome: 'failed', keys: [], costUsd: null })

        expect(await ledger.settle(job, { epoch, callFate: fate, result })).toBe('settled')

        expect(await ledger.books(run)).toMatchObject({ ...counts, pictures: 0, costMicroUsd: 0 })
      },
    )

    test('a row with its answer in hand is begun without booking a call, and keeps what was booked', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      await begin(ledger, job)

      const begun = await ledger.begin(job, { ...CALLING, calling: false })

      expect(begun).toEqual({ kind: 'go', epoch: 2, calls: 1, unknownCalls: 0 })
      expect(await ledger.books(run)).toMatchObject({ calls: 1, unknownCalls: 0 })
    })

    test('a reused row settles without being begun', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      const result = resultFor(job, { outcome: 'reused', costUsd: 0 })

      expect(await ledger.settle(job, { epoch: null, callFate: 'presumed-paid', result })).toBe(
        'settled',
      )

      expect(await ledger.books(run)).toMatchObject({
        settled: 1,
        calls: 0,
        unknownCalls: 0,
        pictures: 0,
      })
    })

    test('two runs never call for the same fingerprint at once', async () => {
      const { ledger, run } = await openRun()
      const other = newRun()
      await ledger.openRun(entryFor(other, 1))
      const job = jobFor(run, 0)
      const twin = { ...job, run: other }
      const epoch = await begin(ledger, job)

      expect(await ledger.begin(twin, CALLING)).toEqual({ kind: 'busy' })
      await ledger.release(job, epoch, 'unpaid')
      expect(await ledger.begin(twin, CALLING)).toMatchObject({ kind: 'go' })
      expect(await ledger.begin(job, CALLING)).toEqual({ kind: 'busy' })
      await ledger.settle(twin, { epoch: 1, callFate: 'unpaid', result: resultFor(job) })
      expect(await ledger.begin(job, CALLING)).toMatchObject({ kind: 'go' })
    })

    test('of twenty workers that begin one row for different runs at once, one goes', async () => {
      const ledger = ledgerOf()
      const job = jobFor(newRun(), 0)
      const runs = Array.from({ length: 20 }, newRun)
      for (const run of runs) await ledger.openRun(entryFor(run, 1))

      const begun = await Promise.all(runs.map((run) => ledger.begin({ ...job, run }, CALLING)))

      expect(begun.filter(({ kind }) => kind === 'go')).toHaveLength(1)
      expect(begun.filter(({ kind }) => kind === 'busy')).toHaveLength(19)
    })

    test('nothing begins in a run that is unknown or finished', async () => {
      const { ledger, run } = await openRun()
      await ledger.finishRun(run, 1_700_000_001_000)

      expect(await ledger.begin(jobFor(run, 0), CALLING)).toEqual({ kind: 'cancelled' })
      expect(await ledger.begin(jobFor(newRun(), 0), CALLING)).toEqual({ kind: 'cancelled' })
      expect(await ledger.books(run)).toMatchObject({
        state: 'finished',
        finishedAt: 1_700_000_001_000,
      })
    })

    test('a paused run calls nothing, stores what it has, and goes on when it may', async () => {
      const { ledger, run } = await openRun()
      const [answered, waiting] = [jobFor(run, 0), jobFor(run, 1)]
      const { digest } = entryFor(run, 10)
      await begin(ledger, answered)

      expect(await ledger.steer(run, 'pause')).toBe('paused')

      expect(await ledger.begin(waiting, CALLING)).toEqual({ kind: 'paused' })
      expect(await ledger.findUnfinished(digest)).toBe(run)
      const stored = await ledger.begin(answered, { ...CALLING, calling: false })
      expect(stored).toMatchObject({ kind: 'go', epoch: 2 })
      const result = resultFor(answered)
      expect(await ledger.settle(answered, { epoch: 2, callFate: 'unpaid', result })).toBe(
        'settled',
      )
      expect(await ledger.steer(run, 'unpause')).toBe('running')
      expect(await ledger.begin(waiting, CALLING)).toMatchObject({ kind: 'go', calls: 1 })
    })

    test('a cancelled run takes in what was sent, then closes with the rest cancelled', async () => {
      const { ledger, run } = await openRun(5)
      const { digest } = entryFor(run, 5)
      const [sent, lost, waiting] = [jobFor(run, 0), jobFor(run, 1), jobFor(run, 2)]
      const epoch = await begin(ledger, sent)
      await begin(ledger, lost)

      expect(await ledger.steer(run, 'cancel')).toBe('cancelled')

      expect(await ledger.findUnfinished(digest)).toBeUndefined()
      expect(await ledger.rowsInFlight(run)).toEqual({ calling: [0, 1], answered: [] })
      expect(await ledger.begin(waiting, CALLING)).toEqual({ kind: 'cancelled' })
      // Its worker died: the row comes back, and its call is one of unknown outcome.
      expect(await ledger.begin(lost, CALLING)).toEqual({ kind: 'cancelled' })
      const other = newRun()
      await ledger.openRun(entryFor(other, 1))
      expect(await ledger.begin({ ...lost, run: other }, CALLING)).toMatchObject({ kind: 'go' })
      const settled = { epoch, callFate: 'unpaid' as const, result: resultFor(sent) }
      expect(await ledger.settle(sent, settled)).toBe('settled')
      expect(await ledger.rowsInFlight(run)).toEqual({ calling: [], answered: [] })
      await ledger.finishRun(run, 1_700_000_001_000)

      const books = await ledger.books(run)
      expect(books).toMatchObject({
        state: 'cancelled',
        finishedAt: 1_700_000_001_000,
        settled: 5,
        unknownCalls: 1,
      })
      expect(books?.outcomes).toMatchObject({ succeeded: 1, cancelled: 4 })
      expect(await ledger.steer(run, 'unpause')).toBe('cancelled')
    })

    test('an answer in a spool is in flight until it is stored', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 4)
      const inSpool = { calling: [], answered: [4] }
      const epoch = await begin(ledger, job)

      expect(await ledger.release(job, epoch, 'answered')).toBe(true)
      expect(await ledger.rowsInFlight(run)).toEqual(inSpool)
      await ledger.begin(job, { ...CALLING, calling: false })
      expect(await ledger.rowsInFlight(run)).toEqual(inSpool)
      await ledger.release(job, 2, 'answered')
      expect(await ledger.rowsInFlight(run)).toEqual(inSpool)
      expect(await begin(ledger, job)).toBe(3)
      expect(await ledger.rowsInFlight(run)).toEqual({ calling: [4], answered: [] })
      await ledger.release(job, 3, 'answered')
      await ledger.begin(job, { ...CALLING, calling: false })
      await ledger.settle(job, { epoch: 4, callFate: 'unpaid', result: resultFor(job) })

      expect(await ledger.rowsInFlight(run)).toEqual({ calling: [], answered: [] })
      expect(await ledger.books(run)).toMatchObject({ calls: 2, unknownCalls: 0, settled: 1 })
    })

    test('in a cancelled run an answer waits for the worker that has it, until it is given up', async () => {
      const { ledger, run } = await openRun()
      const [first, second] = [jobFor(run, 0), jobFor(run, 1)]
      for (const job of [first, second]) {
        await ledger.release(job, await begin(ledger, job), 'answered')
      }
      await ledger.steer(run, 'cancel')

      expect(await ledger.begin(first, CALLING)).toEqual({ kind: 'paused' })
      const begun = await ledger.begin(first, { ...CALLING, calling: false })
      expect(begun).toMatchObject({ kind: 'go', epoch: 2 })
      await ledger.settle(first, { epoch: 2, callFate: 'unpaid', result: resultFor(first) })
      await ledger.giveUpAnswers(run)

      expect(await ledger.rowsInFlight(run)).toEqual({ calling: [], answered: [] })
      expect(await ledger.begin(second, CALLING)).toEqual({ kind: 'cancelled' })
      expect(await ledger.books(run)).toMatchObject({
        calls: 2,
        unknownCalls: 1,
        settled: 1,
        costMicroUsd: 5_000,
      })
    })

    test('a run is steered only where that means something', async () => {
      const { ledger, run } = await openRun()

      expect(await ledger.steer(run, 'unpause')).toBe('running')
      await ledger.finishRun(run, 1)
      for (const steering of ['pause', 'unpause', 'cancel'] as const) {
        expect(await ledger.steer(run, steering)).toBe('finished')
      }
      expect(await ledger.steer(newRun(), 'cancel')).toBeUndefined()
    })

    test('stored results are booked again after a loss, each part once', async () => {
      const { ledger, run } = await openRun(10)
      const results = [0, 1, 2].map((row) => resultFor(jobFor(run, row), { unknownCalls: row }))
      const failed = resultFor(jobFor(run, 3), { outcome: 'failed', keys: [], costUsd: null })
      const early = jobFor(run, 2)
      const settled = { epoch: null, callFate: 'unpaid' as const, result: resultFor(early) }
      await ledger.settle(early, settled)

      expect(await ledger.bookPart(run, 1, results)).toBe(false)
      expect(await ledger.bookPart(run, 0, results)).toBe(true)
      expect(await ledger.bookPart(run, 0, results)).toBe(false)
      expect(await ledger.bookPart(run, 1, [failed])).toBe(true)

      const books = await ledger.books(run)
      expect(books).toMatchObject({
        settled: 4,
        pictures: 3,
        calls: 3,
        unknownCalls: 1,
        costMicroUsd: 15_000,
        resultParts: 2,
      })
      expect(books?.outcomes).toMatchObject({ succeeded: 3, failed: 1 })
      expect(await ledger.unsettledRows(run, 0, 6)).toEqual([4, 5])
    })

    test('a part that comes after its run was lost leaves nothing behind', async () => {
      const ledger = ledgerOf()
      const run = newRun()
      const results = [resultFor(jobFor(run, 0))]

      expect(await ledger.bookPart(run, 0, results)).toBe(false)
      await ledger.openRun(entryFor(run, 3))

      expect(await ledger.books(run)).toMatchObject({ resultParts: 0, settled: 0 })
      expect(await ledger.bookPart(run, 0, results)).toBe(true)
      expect(await ledger.unsettledRows(run, 0, 3)).toEqual([1, 2])
    })

    test('a part takes its own rows from those that wait, and books the ones that are not known', async () => {
      const { ledger, run } = await openRun()
      for (const row of [0, 1, 2, 3]) {
        const job = jobFor(run, row)
        await ledger.settle(job, { epoch: null, callFate: 'unpaid', result: resultFor(job) })
      }

      const part = [2, 3, 7].map((row) => resultFor(jobFor(run, row)))
      expect(await ledger.bookPart(run, 0, part)).toBe(true)

      expect((await ledger.uncollected(run, 10)).map(({ row }) => row)).toEqual([0, 1])
      expect(await ledger.books(run)).toMatchObject({ settled: 5, pictures: 5, resultParts: 1 })
    })

    test('a row that is being called for when its stored result comes back has ended with that', async () => {
      const { ledger, run } = await openRun()
      const job = jobFor(run, 0)
      const epoch = await begin(ledger, job)
      const failed = resultFor(job, { outcome: 'failed', keys: [], costUsd: null })

      expect(await ledger.bookPart(run, 0, [failed])).toBe(true)

      const late = { epoch, callFate: 'unpaid' as const, result: resultFor(job) }
      expect(await ledger.settle(job, late)).toBe('already')
      expect(await ledger.rowsInFlight(run)).toEqual({ calling: [], answered: [] })
      expect(await ledger.books(run)).toMatchObject({
        outcomes: { failed: 1, succeeded: 0 },
        calls: 2,
        unknownCalls: 1,
      })
      const other = newRun()
      await ledger.openRun(entryFor(other, 1))
      expect(await ledger.begin({ ...job, run: other }, CALLING)).toMatchObject({ kind: 'go' })
    })

    test('rows without an outcome are named, whatever part of the run is asked for', async () => {
      const { ledger, run } = await openRun(100)
      const settled = [0, 7, 8, 15, 16, 63, 99]
      for (const row of settled) {
        const job = jobFor(run, row)
        await ledger.settle(job, { epoch: null, callFate: 'unpaid', result: resultFor(job) })
      }

      for (const [firstRow, rowCount] of [
        [0, 100],
        [7, 2],
        [9, 8],
        [60, 40],
      ] as const) {
        const wanted = Array.from({ length: rowCount }, (_, index) => firstRow + index)
        expect(await ledger.unsettledRows(run, firstRow, rowCount)).toEqual(
          wanted.filter((row) => !settled.includes(row)),
        )
      }
    })

    test('results wait until their part is booked, part by part, each once', async () => {
      const { ledger, run } = await openRun()
      for (let row = 0; row < 5; row++) {
        const job = jobFor(run, row)
        await ledger.settle(job, { epoch: null, callFate: 'unpaid', result: resultFor(job) })
      }

      const first = await ledger.uncollected(run, 3)
      expect(first).toHaveLength(3)
      expect(await ledger.bookPart(run, 0, first)).toBe(true)
      expect(await ledger.bookPart(run, 0, first)).toBe(false)
      const second = await ledger.uncollected(run, 3)
      expect([...first, ...second].map(({ row }) => row).toSorted((a, b) => a - b)).toEqual([
        0, 1, 2, 3, 4,
      ])
      expect(second[0]).toEqual(resultFor(jobFor(run, second[0]!.row)))
      expect(await ledger.bookPart(run, 1, second)).toBe(true)
      expect(await ledger.uncollected(run, 3)).toEqual([])
      expect((await ledger.books(run))?.resultParts).toBe(2)
    })

    test('a brake is seen until it is cleared or over', async () => {
      const ledger = ledgerOf()
      const brake = { code: 'credentials_refused', reason: 'bad key', until: Date.now() + 60_000 }
      await ledger.setBrake(brake)

      expect(await ledger.brake()).toEqual(brake)
      await ledger.clearBrake()
      expect(await ledger.brake()).toBeUndefined()
      await ledger.setBrake({ ...brake, until: Date.now() - 1 })
      expect(await ledger.brake()).toBeUndefined()
    })

    test('whatever happens in whatever order, the books add up', async () => {
      const step = fc.record({
        row: fc.nat(4),
        act: fc.constantFrom('begin', 'not-sent', 'unpaid', 'presumed-paid', 'answered', 'settle'),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const { ledger, run } = await openRun(5)
          const model = modelBooks()
          for (const { row, act } of steps) {
            const job = jobFor(run, row)
            if (act === 'begin') {
              const begun = await ledger.begin(job, { calling: true, unknownCallsMax: 1_000 })
              expect(begun.kind).toBe(model.begin(row, begun.kind === 'go' ? begun.epoch : 0))
            } else if (act === 'settle') {
              const epoch = model.epochOf(row)
              await ledger.settle(job, { epoch, callFate: 'unpaid', result: resultFor(job) })
              model.settle(row)
            } else {
              const epoch = model.epochOf(row)
              if (epoch === null) continue
              await ledger.release(job, epoch, act)
              model.release(row, act)
            }
          }
          expect(await ledger.books(run)).toMatchObject(model.books())
        }),
        { numRuns: 15 },
      )
    })
  })
}

/** The same books, kept the simple way. */
function modelBooks() {
  const rows = new Map<number, { epoch: number; calling: boolean; settled: boolean }>()
  let [calls, unknownCalls, settled] = [0, 0, 0]
  const rowOf = (row: number) => {
    const found = rows.get(row) ?? { epoch: 0, calling: false, settled: false }
    rows.set(row, found)
    return found
  }
  return {
    epochOf: (row: number) => (rows.get(row)?.epoch ? rows.get(row)!.epoch : null),
    begin(row: number, epoch: number) {
      const found = rowOf(row)
      if (found.settled) return 'done'
      if (found.calling) unknownCalls++
      calls++
      Object.assign(found, { epoch, calling: true })
      return 'go'
    },
    release(row: number, fate: string) {
      const found = rowOf(row)
      if (!found.calling || found.settled) return
      if (fate === 'not-sent') calls--
      if (fate === 'presumed-paid') unknownCalls++
      found.calling = false
    },
    settle(row: number) {
      const found = rowOf(row)
      if (found.settled) return
      settled++
      Object.assign(found, { settled: true, calling: false })
    },
    books: () => ({ calls, unknownCalls, settled }),
  }
}
