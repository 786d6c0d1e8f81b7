/** What becomes of a tick, without a worker: the runs it enters stay as they were entered. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fireTick } from '../../../src/producer/schedule-fire.ts'
import { changeScheduleState } from '../../../src/producer/schedule-state.ts'
import { embeddedSettings, queueForTests } from '../../helpers/queues.ts'
import { openScheduleBench, type ScheduleBench } from '../../helpers/schedules.ts'
import { withMethod } from '../../helpers/with-method.ts'

const settings = embeddedSettings()
const queueOf = queueForTests(() => settings)
afterAll(() => rm(settings.dataDir, { recursive: true, force: true }))

const HOUR_MS = 3_600_000
const lastHour = () => Math.floor(Date.now() / HOUR_MS) * HOUR_MS

let bench: ScheduleBench
beforeAll(async () => {
  bench = await openScheduleBench(queueOf)
})
afterAll(() => bench[Symbol.asyncDispose]())
beforeEach(() => {
  bench.log.length = 0
})

let count = 0
/** A schedule of its own for each test, with a manifest that is the work of no other. */
async function hourly(changes: object = {}): Promise<string> {
  count += 1
  const name = `hourly-${count}`
  const manifest = `${name}.csv`
  await bench.export(`id,prompt\na,a mug of ${name}\nb,a bowl of ${name}\n`, manifest)
  await bench.apply({ name, cron: '0 * * * *', manifest, ...changes })
  return name
}

async function tick(name: string, dueAt = lastHour()) {
  await fireTick(await bench.payloadOf(name), dueAt, bench.tools())
  return bench.state(name)
}

const newId = () => randomBytes(10).toString('hex')
const runsOf = async (name: string) =>
  (await bench.documents()).filter(({ schedule }) => schedule === name)
const booksOf = async (run: string | null | undefined) => await queueOf().ledger.books(run ?? '')

test('a tick enters a run that names its schedule and its settings', async () => {
  const dueAt = lastHour()
  const name = await hourly({
    settings: { set: { quality: 'low', n: 2 }, priority: 'high', existing: 'keep' },
  })

  const { last, lastRun } = await tick(name, dueAt)

  expect(last).toMatchObject({ outcome: 'fired', byHand: false, note: null })
  expect(lastRun?.run).toBe(last?.run)
  const [document] = await runsOf(name)
  expect(document).toMatchObject({
    run: last?.run,
    schedule: name,
    rows: 2,
    picturesPlanned: 4,
    priority: 'high',
    flags: { existing: 'keep', set: { quality: 'low', n: '2' } },
  })
  expect(await booksOf(last?.run)).toMatchObject({ state: 'running', rowCount: 2 })
  expect(bench.log).toContainEqual(expect.objectContaining({ level: 'info', schedule: name }))
})

test('settings are flags: columns by other names, selected rows, rendered again', async () => {
  const name = await hourly({
    settings: { map: { prompt: 'Title' }, only: ['b'], force: true, priority: 'low' },
  })
  await bench.export(`id,Title\na,a mug\nb,a bowl of ${name}\n`, `${name}.csv`)

  const { last } = await tick(name)

  expect(last).toMatchObject({ outcome: 'fired', note: null })
  expect(await runsOf(name)).toMatchObject([
    { rows: 1, priority: 'low', flags: { only: ['b'], force: true } },
  ])
})

test('a tick that is delivered again enters no second run, even with another manifest by then', async () => {
  const name = await hourly({ concurrencyPolicy: 'allow' })
  const dueAt = lastHour()
  const first = await tick(name, dueAt)
  await bench.export('id,prompt\nz,something else\n', `${name}.csv`)

  const second = await tick(name, dueAt)

  expect(second.lastRun).toEqual(first.lastRun)
  expect(await runsOf(name)).toMatchObject([{ rows: 2 }])
})

test('a tick whose worker died while planning is taken up by the next one', async () => {
  const name = await hourly()
  const dueAt = lastHour()
  const dying = {
    ...bench.tools(),
    plan: async () => {
      throw new Error('the process is gone')
    },
  }
  await expect(fireTick(await bench.payloadOf(name), dueAt, dying)).rejects.toThrow('is gone')

  const { last, runs } = await tick(name, dueAt)

  expect(last).toMatchObject({ outcome: 'fired' })
  expect(runs.map(({ run }) => run)).toEqual([last?.run])
})

test('a tick whose worker died before saying what became of it is said by the next one', async () => {
  const name = await hourly()
  const dueAt = lastHour()
  const { last, lastRun } = await tick(name, dueAt)
  await changeScheduleState(name, bench.store, (state) => ({ ...state, last: null, lastRun: null }))

  const again = await tick(name, dueAt)

  expect(again.lastRun).toEqual(lastRun)
  expect(again.last).toMatchObject({ outcome: 'fired', run: last?.run })
})

describe('while the previous run is going', () => {
  /** An earlier run of it, as if entered an hour ago. */
  async function earlier(name: string) {
    const { lastRun } = await tick(name, lastHour())
    const run = lastRun!.run
    // Another id makes another run of the same moment.
    const id = newId()
    await bench.export(`id,prompt\nc,a later cup of ${name}\n`, `${name}.csv`)
    const payload = { ...((await bench.payloadOf(name)) as object), id }
    return { run, again: () => fireTick(payload, lastHour(), bench.tools()) }
  }

  test('forbid skips, and says so', async () => {
    const name = await hourly()
    const { run, again } = await earlier(name)

    await again()

    const { last, lastRun } = await bench.state(name)
    expect(last).toMatchObject({ outcome: 'skipped', run: null, note: `${run} is not over` })
    expect(lastRun?.run).toBe(run)
    expect(await runsOf(name)).toHaveLength(1)
    expect(bench.log).toContainEqual(
      expect.objectContaining({ level: 'warn', schedule: name, note: `${run} is not over` }),
    )
  })

  test('forbid fires once it is over', async () => {
    const name = await hourly()
    const { run, again } = await earlier(name)
    await queueOf().ledger.finishRun(run, Date.now())

    await again()

    const { last, runs } = await bench.state(name)
    expect(last).toMatchObject({ outcome: 'fired' })
    expect(last?.run).not.toBe(run)
    expect(runs.map((each) => each.run)).toEqual([last?.run])
  })

  test('allow starts another beside it', async () => {
    const name = await hourly({ concurrencyPolicy: 'allow' })
    const { run, again } = await earlier(name)

    await again()

    const { last } = await bench.state(name)
    expect(last).toMatchObject({ outcome: 'fired' })
    expect(last?.run).not.toBe(run)
    expect(await booksOf(run)).toMatchObject({ state: 'running' })
  })

  test('allow does not double the same work', async () => {
    const name = await hourly({ concurrencyPolicy: 'allow' })
    const { run, again } = await earlier(name)
    await bench.export(`id,prompt\na,a mug of ${name}\nb,a bowl of ${name}\n`, `${name}.csv`)

    await again()

    expect((await bench.state(name)).last).toMatchObject({ outcome: 'continued', run })
  })

  test('replace cancels it, even when the work is the same', async () => {
    const name = await hourly({ concurrencyPolicy: 'replace' })
    const { run, again } = await earlier(name)
    await bench.export(`id,prompt\na,a mug of ${name}\nb,a bowl of ${name}\n`, `${name}.csv`)

    await again()

    const { last } = await bench.state(name)
    expect(last).toMatchObject({ outcome: 'fired', note: `${run} was cancelled for it` })
    expect(await booksOf(run)).toMatchObject({ state: 'cancelled' })
    expect(await booksOf(last?.run)).toMatchObject({ state: 'running' })
  })

  test('replace cancels it also when the worker died between the claim and that', async () => {
    const name = await hourly({ concurrencyPolicy: 'replace' })
    const { run } = await earlier(name)
    const payload = { ...((await bench.payloadOf(name)) as object), id: newId() }
    const tools = bench.tools()
    const ledger = withMethod(tools.queue.ledger, 'steer', async () => {
      throw new Error('the process is gone')
    })
    const dying = { ...tools, queue: { ...tools.queue, ledger } }
    await expect(fireTick(payload, lastHour(), dying)).rejects.toThrow('is gone')

    await fireTick(payload, lastHour(), tools)

    expect(await booksOf(run)).toMatchObject({ state: 'cancelled' })
  })

  test('replace gives up one that is still being planned, which then is not entered', async () => {
    const name = await hourly({ concurrencyPolicy: 'replace' })
    const payload = (await bench.payloadOf(name)) as object
    const later = () => fireTick({ ...payload, id: newId() }, lastHour(), bench.tools())
    const tools = bench.tools()
    const overtaken = {
      ...tools,
      async plan(...args: Parameters<typeof tools.plan>) {
        const plan = await tools.plan(...args)
        await bench.export(`id,prompt\nc,a later cup of ${name}\n`, `${name}.csv`)
        await later()
        return plan
      },
    }

    await fireTick({ ...payload, id: newId() }, lastHour(), overtaken)

    const entered = await runsOf(name)
    expect(entered).toMatchObject([{ rows: 1 }])
    const notes = bench.log.map(({ note }) => note)
    expect(notes).toEqual([
      expect.stringMatching(/^run_\w+ was still being planned and is given up for it$/),
      'a later tick took its place while it was being planned',
    ])
    expect((await bench.state(name)).runs.map(({ run }) => run)).toEqual([entered[0]!.run])
  })

  test('replace cancels one that was entered in the moment in which it was replaced', async () => {
    const name = await hourly({ concurrencyPolicy: 'replace' })
    const payload = (await bench.payloadOf(name)) as object
    const tools = bench.tools()
    const ledger = withMethod(tools.queue.ledger, 'openRun', async (entry) => {
      await bench.export(`id,prompt\nc,a later cup of ${name}\n`, `${name}.csv`)
      await fireTick({ ...payload, id: newId() }, lastHour(), tools)
      return tools.queue.ledger.openRun(entry)
    })
    const overtaken = { ...tools, queue: { ...tools.queue, ledger } }

    await fireTick({ ...payload, id: newId() }, lastHour(), overtaken)

    const books = await Promise.all((await runsOf(name)).map(({ run }) => booksOf(run)))
    const states = books.map((each) => `${each?.state} ${each?.rowCount}`)
    expect(states.toSorted()).toEqual(['cancelled 2', 'running 1'])
  })

  test('of two workers at the same moment one fires, the other skips', async () => {
    const name = await hourly()
    const payload = (await bench.payloadOf(name)) as object
    const ids = [newId(), newId(), newId()]

    await Promise.all(ids.map((id) => fireTick({ ...payload, id }, lastHour(), bench.tools())))

    expect(await runsOf(name)).toHaveLength(1)
    const messages = bench.log.map(({ message }) => message)
    expect(messages).toHaveLength(3)
    expect(messages.filter((message) => message === 'the schedule fired')).toHaveLength(1)
  })

  test('a run that was claimed long ago and never entered holds nothing up', async () => {
    const name = await hourly()
    const lost = { run: 'run_0000000000', claimedAt: '2020-01-01T00:00:00.000Z' }
    await changeScheduleState(name, bench.store, (state) => ({ ...state, runs: [lost] }))

    expect((await tick(name)).last).toMatchObject({ outcome: 'fired' })
  })
})

describe('a tick that comes late', () => {
  test('fires as the last one that is due, once, and says what was missed', async () => {
    const name = await hourly()
    const dueAt = lastHour() - 5 * HOUR_MS

    const { last } = await tick(name, dueAt)

    expect(last).toMatchObject({ outcome: 'fired', note: '5 earlier ticks were missed' })
    expect(Date.parse(last!.dueAt)).toBeGreaterThanOrEqual(dueAt + 5 * HOUR_MS)
    expect(await runsOf(name)).toHaveLength(1)
  })

  test('is skipped when its starting deadline is over', async () => {
    const dueAt = new Date()
    dueAt.setUTCMonth(0, 1)
    dueAt.setUTCFullYear(dueAt.getUTCFullYear() - 1)
    dueAt.setUTCHours(0, 0, 0, 0)
    const name = await hourly({ cron: '0 0 1 1 *', startingDeadlineSeconds: 1 })

    const { last } = await tick(name, dueAt.getTime())

    expect(last).toMatchObject({ outcome: 'skipped', run: null })
    expect(last?.note).toMatch(
      /^missed: due \d{4}-01-01 00:00 UTC, not taken within 1 s; 1 earlier/,
    )
    expect(await runsOf(name)).toEqual([])
  })
})

describe('nothing is fired', () => {
  test.each([{ suspend: true }, {}])('%j', async (changes) => {
    const name = await hourly(changes)
    const payload = { ...((await bench.payloadOf(name)) as object), paused: true }

    await fireTick(payload, lastHour(), bench.tools())

    expect(await bench.state(name)).toMatchObject({ last: null, runs: [] })
  })

  test('for a time that is no tick of the schedule', async () => {
    const name = await hourly()

    expect(await tick(name, lastHour() + 60_000)).toMatchObject({ last: null })
  })

  test.each([
    null,
    'tick',
    {},
    { version: 1, id: 'x', paused: false, schedule: {} },
    { version: 2, id: 'f'.repeat(20), paused: false },
  ])('for a payload that is none: %j', async (payload) => {
    await fireTick(payload, lastHour(), bench.tools())

    expect(bench.log).toContainEqual(
      expect.objectContaining({
        level: 'error',
        message: expect.stringContaining('apply it again'),
      }),
    )
  })
})

describe('a manifest that is no good', () => {
  test('fails the tick with its problems, and the next tick goes on', async () => {
    const name = await hourly()
    await bench.export('id,prompt,n\na,a mug,eleven\na,a mug,2\n', `${name}.csv`)

    const failed = await tick(name)

    expect(failed.runs).toEqual([])
    expect(failed.last).toMatchObject({ outcome: 'failed', run: null })
    expect(failed.last?.note).toBe(
      `${name}.csv:2 n "eleven": must be a whole number; ${name}.csv:3 id "a": is also the id of line 2`,
    )
    expect(bench.log).toContainEqual(
      expect.objectContaining({ level: 'error', problems: failed.last?.note?.split('; ') }),
    )

    await bench.export(`id,prompt\na,a better mug of ${name}\n`, `${name}.csv`)
    expect((await tick(name)).last).toMatchObject({ outcome: 'fired' })
  })

  test('a missing one fails the tick', async () => {
    const name = await hourly({ manifest: 'nowhere.csv' })

    const { last } = await tick(name)

    expect(last?.note).toContain('there is no such file in the schedule root')
  })

  test('one outside of the root fails the tick', async () => {
    const name = await hourly()
    const payload = (await bench.payloadOf(name)) as { schedule: object }
    const schedule = { ...payload.schedule, manifest: '../../../etc/passwd' }

    await fireTick({ ...payload, schedule }, lastHour(), bench.tools())

    expect((await bench.state(name)).last).toMatchObject({ outcome: 'failed' })
    expect((await bench.state(name)).last?.note).toContain('is outside of')
  })

  test('problems of an object are named by its key', async () => {
    const name = await hourly({ manifest: 'store:exports/catalog.csv' })
    await bench.store.put('exports/catalog.csv', Buffer.from('id,prompt\na,\n'), {
      contentType: 'text/csv',
      when: 'always',
    })

    const { last } = await tick(name)

    expect(last?.note).toMatch(/^store:exports\/catalog\.csv:2 prompt/)
  })
})
