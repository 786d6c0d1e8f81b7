import { beforeEach, describe, expect, test } from 'vitest'
import {
  applySchedules,
  compareSchedules,
  findSchedule,
  listSchedules,
  pauseSchedule,
  removeSchedule,
} from '../../../src/producer/schedule-apply.ts'
import { Schedule } from '../../../src/producer/schedule-file.ts'
import type { ScheduleEntry, Schedules } from '../../../src/queue/queue.ts'

/** What a queue keeps of schedules, without its clock. */
class KeptSchedules implements Schedules {
  readonly entries = new Map<string, ScheduleEntry>()
  readonly put = async (entry: ScheduleEntry) => {
    const payload: unknown = JSON.parse(JSON.stringify(entry.payload))
    this.entries.set(entry.name, { ...entry, payload })
  }
  readonly list = async () => [...this.entries.values()].map((each) => ({ ...each, nextAt: 0 }))
  readonly remove = async (name: string) => this.entries.delete(name)
  readonly revive = async () => []
}

const schedule = (name: string, changes: object = {}) =>
  Schedule.parse({ name, cron: '30 2 * * *', manifest: 'catalog.csv', ...changes })

let queued = new KeptSchedules()
beforeEach(() => {
  queued = new KeptSchedules()
})
const apply = (schedules: Schedule[], prune = false) => applySchedules(schedules, queued, { prune })

test('what is new is added, with its clock', async () => {
  const changes = await apply([schedule('nightly', { cron: '@hourly', timeZone: 'Asia/Kolkata' })])

  expect(changes).toEqual([{ kind: 'added', name: 'nightly' }])
  expect(queued.entries.get('nightly')).toMatchObject({
    pattern: '0 * * * *',
    timeZone: 'Asia/Kolkata',
  })
})

test('applying again changes nothing, whatever the order of keys', async () => {
  await apply([schedule('nightly', { settings: { set: { a: 1, b: 2 }, existing: 'keep' } })])
  const before = new Map(queued.entries)

  const again = schedule('nightly', { settings: { existing: 'keep', set: { b: 2, a: 1 } } })
  expect(await apply([again])).toEqual([{ kind: 'unchanged', name: 'nightly', paused: false }])
  expect([...queued.entries.values()]).toEqual([...before.values()])
  expect(queued.entries.get('nightly')).toBe(before.get('nightly'))
})

test('what differs is named field by field', async () => {
  await apply([schedule('nightly', { budgetUsd: 5 })])

  const changes = await apply([schedule('nightly', { cron: '0 3 * * *', suspend: true })])

  expect(changes).toEqual([
    {
      kind: 'changed',
      name: 'nightly',
      fields: expect.arrayContaining([
        { field: 'cron', before: '30 2 * * *', after: '0 3 * * *' },
        { field: 'suspend', before: false, after: true },
        { field: 'budgetUsd', before: 5, after: undefined },
      ]),
    },
  ])
  expect((await findSchedule('nightly', queued)).schedule).toMatchObject({ cron: '0 3 * * *' })
})

test('a schedule that is not in the file is removed only when asked for', async () => {
  await apply([schedule('old'), schedule('new')])

  expect(await apply([schedule('new')])).toContainEqual({ kind: 'left alone', name: 'old' })
  expect([...queued.entries.keys()]).toContain('old')
  expect(await apply([schedule('new')], true)).toContainEqual({ kind: 'removed', name: 'old' })
  expect([...queued.entries.keys()]).toEqual(['new'])
})

test('comparing changes nothing', async () => {
  await apply([schedule('old')])

  const changes = await compareSchedules([schedule('new')], queued, { prune: true })

  expect(changes.map(({ kind }) => kind)).toEqual(['added', 'removed'])
  expect([...queued.entries.keys()]).toEqual(['old'])
})

test('a change keeps the id, from which run ids are made; a new schedule has a new one', async () => {
  await apply([schedule('nightly')])
  const { id } = await findSchedule('nightly', queued)

  await apply([schedule('nightly', { cron: '0 3 * * *' })])
  expect((await findSchedule('nightly', queued)).id).toBe(id)

  await removeSchedule('nightly', queued)
  await apply([schedule('nightly')])
  expect((await findSchedule('nightly', queued)).id).not.toBe(id)
})

describe('a pause by hand', () => {
  test('is kept when the file is applied, and said', async () => {
    await apply([schedule('nightly')])
    await pauseSchedule('nightly', queued, { paused: true })

    await apply([schedule('nightly', { cron: '0 3 * * *' })])
    expect(await apply([schedule('nightly', { cron: '0 3 * * *' })])).toEqual([
      { kind: 'unchanged', name: 'nightly', paused: true },
    ])

    const after = await pauseSchedule('nightly', queued, { paused: false })
    expect(after.paused).toBe(false)
  })
})

test('a name that is not there is refused with the nearest', async () => {
  await apply([schedule('nightly')])

  await expect(findSchedule('nigthly', queued)).rejects.toThrow('did you mean nightly?')
  await expect(removeSchedule('weekly', queued)).rejects.toThrow('there is no schedule "weekly"')
})

test('what another version has put there is listed as unreadable, and replaced', async () => {
  const entry = { name: 'nightly', pattern: '* * * * *', timeZone: 'UTC', payload: { version: 9 } }
  await queued.put(entry)

  expect(await listSchedules(queued)).toMatchObject([{ name: 'nightly', applied: undefined }])
  await expect(findSchedule('nightly', queued)).rejects.toThrow('apply it again')
  expect(await apply([schedule('nightly')])).toMatchObject([{ kind: 'changed' }])
  expect(await findSchedule('nightly', queued)).toMatchObject({ version: 1 })
})
