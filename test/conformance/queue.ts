/** What every queue backend must do. Called once per backend with a way to open it on the same data again. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import {
  ApiUnavailableError,
  CredentialsRefusedError,
  InterruptedError,
  OutcomeUnknownError,
  RateLimitedError,
  RequestRejectedError,
} from '../../src/errors.ts'
import type { RenderJob } from '../../src/job.ts'
import type {
  ConsumeOptions,
  Consumer,
  Delivery,
  Handlers,
  Queue,
  ScheduleEntry,
} from '../../src/queue/queue.ts'
import type { EarlierAttempt } from '../../src/row-result.ts'
import { until } from '../helpers/until.ts'
import { entryFor, jobFor, newRun } from '../helpers/jobs.ts'

const OPTIONS: ConsumeOptions = {
  concurrency: 4,
  lockDurationMs: 30_000,
  stalledIntervalMs: 15_000,
  backoff: () => 20,
  onTrouble: () => {},
}

const attemptAt = (startedAt: number): EarlierAttempt => ({
  startedAt,
  elapsedMs: 1,
  call: 'unpaid',
  errorCode: 'api_unavailable',
  error: 'once more',
  requestId: null,
})

/** A signal that was aborted already fires no more. */
async function whenAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

export function keepsTheQueueContract(name: string, queueOf: () => Queue): void {
  describe(`queue: ${name}`, () => {
    const consumers: Consumer[] = []
    afterEach(async () => {
      await Promise.all(consumers.splice(0).map((consumer) => consumer.drain(0)))
      await queueOf().releaseBrake()
    })

    async function consume(handlers: Partial<Handlers>, options: Partial<ConsumeOptions> = {}) {
      const consumer = await queueOf().consume(
        { render: async () => {}, run: async () => 'over', ...handlers },
        { ...OPTIONS, ...options },
      )
      consumers.push(consumer)
      return consumer
    }

    function someJobs(count: number): RenderJob[] {
      const run = newRun()
      return Array.from({ length: count }, (_, row) => jobFor(run, row))
    }

    test('every row that was added is delivered once, as it was added', async () => {
      const jobs = someJobs(30)
      const seen: RenderJob[] = []
      await consume({ render: async (payload) => void seen.push(payload as RenderJob) })

      await queueOf().addRenders(jobs, { attempts: 3 })
      await queueOf().addRenders(jobs.slice(0, 10), { attempts: 3 })

      await until(() => seen.length >= 30)
      await until(async () => (await queueOf().renderCounts()).active === 0)
      expect(seen.toSorted((a, b) => a.row - b.row)).toEqual(jobs)
    })

    test('a row added while the worker is idle is delivered promptly', async () => {
      let deliveredAt = 0
      await consume({ render: async () => void (deliveredAt = performance.now()) })
      await sleep(300)

      const addedAt = performance.now()
      await queueOf().addRenders(someJobs(1), { attempts: 1 })
      await until(() => deliveredAt > 0)

      expect(deliveredAt - addedAt).toBeLessThan(1_500)
    })

    test('a try that fails is repeated until it succeeds, counting attempts', async () => {
      const attempts: number[] = []
      await consume({
        async render(_, { attempt }) {
          attempts.push(attempt)
          if (attempt < 3) throw new ApiUnavailableError('try later', { callFate: 'unpaid' })
        },
      })

      await queueOf().addRenders(someJobs(1), { attempts: 5 })

      await until(() => attempts.length === 3)
      expect(attempts).toEqual([1, 2, 3])
    })

    test('a try that fails is not repeated before the time the server named', async () => {
      const seen: { attempt: number; at: number }[] = []
      await consume({
        async render(_, { attempt }) {
          seen.push({ attempt, at: performance.now() })
          const facts = { callFate: 'unpaid', retryAfterMs: 1_000 } as const
          if (attempt === 1) throw new ApiUnavailableError('try later', facts)
          if (attempt === 2) throw new OutcomeUnknownError('lost', { retryAfterMs: 1_000 })
        },
      })

      await queueOf().addRenders(someJobs(1), { attempts: 3 })
      await until(() => seen.length === 3)

      expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
      expect(seen[1]!.at - seen[0]!.at).toBeGreaterThan(900)
      expect(seen[2]!.at - seen[1]!.at).toBeGreaterThan(900)
    })

    test('what is remembered of a try comes with the ones after it, and only the last twenty', async () => {
      const earlier: number[][] = []
      const jobs = someJobs(1)
      const payloads: unknown[] = []
      await consume({
        async render(payload, { earlierAttempts, remember }) {
          payloads.push(payload)
          earlier.push(earlierAttempts.map(({ startedAt }) => startedAt))
          await remember(attemptAt(earlier.length))
          if (earlier.length === 24) return
          if (earlier.length % 2 === 0) throw new InterruptedError('goes back')
          throw new ApiUnavailableError('once more', { callFate: 'unpaid' })
        },
      })

      await queueOf().addRenders(jobs, { attempts: 30 })
      await until(() => earlier.length === 24)

      expect(earlier.slice(0, 3)).toEqual([[], [1], [1, 2]])
      expect(earlier[23]).toEqual(Array.from({ length: 20 }, (_, index) => index + 4))
      for (const payload of payloads) expect(payload).toEqual(jobs[0])
    })

    test('the last attempt is known as such, and then the row is given up', async () => {
      const deliveries: Pick<Delivery, 'attempt' | 'isLastAttempt'>[] = []
      const jobs = someJobs(1)
      await consume({
        async render(_, { attempt, isLastAttempt }) {
          deliveries.push({ attempt, isLastAttempt })
          throw new ApiUnavailableError('never works', { callFate: 'unpaid' })
        },
      })

      await queueOf().addRenders(jobs, { attempts: 2 })

      await until(async () => (await queueOf().missingRenders(jobs[0]!.run, [0])).length === 1)
      expect(deliveries).toEqual([
        { attempt: 1, isLastAttempt: false },
        { attempt: 2, isLastAttempt: true },
      ])
    })

    test('an error that can not be cured is not tried again', async () => {
      let tries = 0
      const jobs = someJobs(1)
      await consume({
        async render() {
          tries++
          throw new RequestRejectedError('bad size')
        },
      })

      await queueOf().addRenders(jobs, { attempts: 5 })

      await until(async () => (await queueOf().missingRenders(jobs[0]!.run, [0])).length === 1)
      expect(tries).toBe(1)
    })

    test('a rate limit makes everybody wait, and costs no attempt', async () => {
      const seen: { attempt: number; at: number }[] = []
      const render: Handlers['render'] = async (_, { attempt }) => {
        seen.push({ attempt, at: performance.now() })
        if (seen.length === 1) throw new RateLimitedError('slow down', 1_000)
      }
      await consume({ render }, { concurrency: 1 })
      await consume({ render }, { concurrency: 1 })

      await queueOf().addRenders(someJobs(1), { attempts: 1 })
      await until(() => seen.length === 2)

      expect(seen[1]!.attempt).toBe(1)
      expect(seen[1]!.at - seen[0]!.at).toBeGreaterThan(900)
    })

    test('a row that a rate limit put back is taken up soon by workers that wait for rows', async () => {
      const seen: number[] = []
      await consume(
        {
          async render() {
            seen.push(performance.now())
            if (seen.length > 1) return
            // Long enough for the other slots to have begun to wait for rows.
            await sleep(200)
            throw new RateLimitedError('slow down', 300)
          },
        },
        { concurrency: 4 },
      )

      await queueOf().addRenders(someJobs(1), { attempts: 1 })
      await until(() => seen.length === 2)

      expect(seen[1]! - seen[0]!).toBeGreaterThan(450)
      expect(seen[1]! - seen[0]!).toBeLessThan(4_000)
    })

    test('refused credentials stop everybody until the brake is released', async () => {
      let isRefusing = true
      let tries = 0
      await consume({
        async render() {
          tries++
          if (isRefusing) throw new CredentialsRefusedError('bad key')
        },
      })

      await queueOf().addRenders(someJobs(1), { attempts: 1 })
      await until(async () => (await queueOf().ledger.brake()) !== undefined)
      expect(await queueOf().ledger.brake()).toMatchObject({
        code: 'credentials_refused',
        reason: 'bad key',
      })
      await sleep(500)
      expect(tries).toBe(1)

      isRefusing = false
      await consumers.splice(0)[0]!.drain(0)
      await queueOf().releaseBrake()
      await consume({ render: async () => void tries++ })
      await until(() => tries === 2)
    })

    test('draining waits for what is active and gives back what was not sent, without an attempt', async () => {
      const [sent, unsent] = someJobs(2)
      let finished = 0
      const consumer = await consume({
        async render(payload, { stopping }) {
          if ((payload as RenderJob).row === sent!.row) {
            await sleep(600)
            finished++
            return
          }
          await whenAborted(stopping)
          throw new InterruptedError('stopped before sending')
        },
      })
      await queueOf().addRenders([sent!, unsent!], { attempts: 1 })
      await until(async () => (await queueOf().renderCounts()).active === 2)

      await consumer.drain(10_000)

      expect(finished).toBe(1)
      const attempts: number[] = []
      await consume({ render: async (_, { attempt }) => void attempts.push(attempt) })
      await until(() => attempts.length === 1)
      expect(attempts).toEqual([1])
    })

    test('after the deadline even active work is told to give up', async () => {
      let gaveUp = false
      const consumer = await consume({
        async render(_, { abandoned }) {
          await whenAborted(abandoned)
          gaveUp = true
        },
      })
      await queueOf().addRenders(someJobs(1), { attempts: 1 })
      await until(async () => (await queueOf().renderCounts()).active === 1)

      await consumer.drain(200)

      expect(gaveUp).toBe(true)
    })

    test('a run is stepped with its own cursor until it is over', async () => {
      const run = newRun()
      const cursors: number[] = []
      let isOver = false
      await consume({
        async run(found, cursor) {
          if (found !== run) return 'over'
          cursors.push(cursor.nextRow)
          if (cursor.nextRow < 30)
            return { againInMs: 30, cursor: { nextRow: cursor.nextRow + 10 } }
          isOver = true
          return 'over'
        },
      })

      await queueOf().addRun(run)
      await queueOf().addRun(run)

      await until(() => isOver)
      expect(cursors).toEqual([0, 10, 20, 30])
    })

    test('a run whose steps fail one after the other says why, until one succeeds', async () => {
      const run = newRun()
      let step: 'fails' | 'goes on' | 'ends' = 'fails'
      await consume({
        async run() {
          if (step === 'fails') throw new Error('the store is full')
          return step === 'ends' ? 'over' : { againInMs: 5, cursor: { nextRow: 0 } }
        },
      })
      const troubleNow = () => queueOf().runTrouble(run)
      expect(await troubleNow()).toBeUndefined()

      await queueOf().addRun(run)

      await until(async () => (await troubleNow()) !== undefined)
      const trouble = await troubleNow()
      expect(trouble).toMatchObject({ message: 'the store is full' })
      expect(trouble!.stepsFailed).toBeGreaterThanOrEqual(3)
      expect(trouble!.since).toBeLessThanOrEqual(Date.now())
      step = 'goes on'
      await until(async () => (await troubleNow()) === undefined)
      step = 'ends'
      await until(async () => (await queueOf().runCount()) === 0)
    })

    test('a run that was over for a while is stepped again when it is added again', async () => {
      const run = newRun()
      let steps = 0
      await consume({
        async run() {
          steps += 1
          return 'over'
        },
      })

      await queueOf().addRun(run)
      await until(async () => steps > 0 && (await queueOf().runCount()) === 0)
      expect(steps).toBe(1)
      await queueOf().addRun(run)

      await until(() => steps === 2)
    })

    describe('schedules', () => {
      const everySecond = (name: string, payload: unknown = {}) => ({
        name,
        pattern: '* * * * * *',
        timeZone: 'UTC',
        payload,
      })
      const listed = async (name: string) =>
        (await queueOf().schedules.list()).filter((each) => each.name === name)
      const added: string[] = []
      const put = async (entry: ScheduleEntry) => {
        added.push(entry.name)
        await queueOf().schedules.put(entry)
      }
      afterEach(async () => {
        for (const name of added.splice(0)) await queueOf().schedules.remove(name)
      })

      test('one is kept with its clock, replaced under its name, and removed', async () => {
        const nightly = { name: 'nightly', pattern: '30 2 * * *', timeZone: 'Europe/Berlin' }
        await put({ ...nightly, payload: { version: 1 } })
        await put({ ...nightly, pattern: '0 3 1 1 *', payload: { version: 2, deep: ['ü'] } })

        const [found, ...others] = await listed('nightly')
        expect(others).toEqual([])
        expect(found).toMatchObject({
          ...nightly,
          pattern: '0 3 1 1 *',
          payload: { version: 2, deep: ['ü'] },
        })
        // Three in the morning in Berlin, in winter.
        expect(new Date(found!.nextAt!).toISOString()).toMatch(/-01-01T02:00:00\.000Z$/)

        expect(await queueOf().schedules.remove('nightly')).toBe(true)
        expect(await queueOf().schedules.remove('nightly')).toBe(false)
        expect(await listed('nightly')).toEqual([])
      })

      test('ticks go to one worker each, promptly, with what was put last', async () => {
        const ticks: { payload: unknown; dueAt: number; at: number }[] = []
        const tick = async (payload: unknown, dueAt: number) =>
          void ticks.push({ payload, dueAt, at: Date.now() })
        await consume({ tick })
        await consume({ tick })
        await sleep(300)

        await put(everySecond('often', { version: 1 }))
        await until(() => ticks.length === 1)
        await put(everySecond('often', { version: 2 }))
        await until(() => ticks.length >= 4)

        const dueTimes = ticks.map(({ dueAt }) => dueAt)
        expect(new Set(dueTimes).size).toBe(dueTimes.length)
        expect(dueTimes.every((dueAt) => dueAt % 1_000 === 0)).toBe(true)
        expect(ticks.map(({ at, dueAt }) => at - dueAt < 5_000)).not.toContain(false)
        expect(ticks.at(0)?.payload).toEqual({ version: 1 })
        expect(ticks.at(-1)?.payload).toEqual({ version: 2 })
      })

      test('of the ticks that passed while nobody took any, the first comes, once', async () => {
        await put(everySecond('missed'))
        const [{ nextAt } = {}] = await listed('missed')
        await sleep(3_000)
        expect((await listed('missed'))[0]?.nextAt).toBe(nextAt)

        const ticks: number[] = []
        const startedAt = Date.now()
        await consume({ tick: async (_, dueAt) => void ticks.push(dueAt) })
        await until(() => ticks.length >= 3)

        const [first, second = 0] = ticks
        expect(first).toBe(nextAt)
        expect(second).toBeGreaterThanOrEqual(Math.floor(startedAt / 1_000) * 1_000)
      })

      test('a tick that fails comes again, and its successors come all the same', async () => {
        const ticks: number[] = []
        await consume({
          async tick(_, dueAt) {
            ticks.push(dueAt)
            if (ticks.length < 3) throw new Error('not now')
          },
        })

        await put(everySecond('failing'))
        await until(() => new Set(ticks).size >= 2)

        expect(ticks.filter((dueAt) => dueAt === ticks[0]).length).toBeGreaterThanOrEqual(2)
      })

      test('a clock whose next tick is there is not started again', async () => {
        await put({ name: 'yearly', pattern: '0 0 1 1 *', timeZone: 'UTC', payload: {} })

        expect(await queueOf().schedules.revive()).toEqual([])
      })
    })

    test('rows the queue does not know are named as missing, others not', async () => {
      const jobs = someJobs(4)
      await queueOf().addRenders(jobs.slice(0, 2), { attempts: 1 })

      expect(await queueOf().missingRenders(jobs[0]!.run, [0, 1, 2, 3])).toEqual([2, 3])
      expect((await queueOf().renderCounts()).waiting).toBeGreaterThanOrEqual(2)
    })

    test('its ledger is reachable', async () => {
      const run = newRun()
      await queueOf().ledger.openRun(entryFor(run, 1))

      expect(await queueOf().ledger.books(run)).toMatchObject({ run, state: 'running' })
    })
  })
}
