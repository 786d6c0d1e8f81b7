import { expect, test } from 'vitest'
import { formatChange, formatSchedules } from '../../../src/cli/format-schedules.ts'
import { Schedule } from '../../../src/producer/schedule-file.ts'
import type { ScheduleView } from '../../../src/producer/schedule-list.ts'

const schedule = Schedule.parse({
  name: 'nightly',
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  manifest: 'jobs/catalog.csv',
})
const view = (changes: Partial<ScheduleView> = {}): ScheduleView => ({
  name: 'nightly',
  state: 'active',
  schedule,
  next: ['2026-11-22T01:30:00.000Z', '2026-11-23T01:30:00.000Z'],
  waitsSince: null,
  last: null,
  lastRun: null,
  ...changes,
})
const list = (...views: ScheduleView[]) => formatSchedules(views, 'redis://queue')

test('the next times are shown in the zone of the schedule and in UTC', () => {
  expect(list(view())).toBe(
    [
      'nightly  active  30 2 * * *  Europe/Berlin',
      '  manifest  jobs/catalog.csv',
      '  last      nothing yet',
      '  next      2026-11-22 02:30 +01:00 = 2026-11-22 01:30 UTC',
      '            2026-11-23 02:30 +01:00 = 2026-11-23 01:30 UTC',
    ].join('\n'),
  )
})

test('what became of the last tick and of the last run stand beside each other', () => {
  const text = list(
    view({
      last: {
        dueAt: '2026-11-21T01:30:00.000Z',
        at: '2026-11-21T01:30:00.100Z',
        byHand: false,
        outcome: 'skipped',
        run: null,
        note: 'run_0123456789 is not over\u001B[2J',
      },
      lastRun: { run: 'run_0123456789', dueAt: '2026-11-20T01:30:00.000Z', state: 'running' },
    }),
  )

  expect(text).toContain(
    'last      2026-11-21 02:30 +01:00 = 2026-11-21 01:30 UTC: skipped: run_0123456789 is not over',
  )
  expect(text).toContain(
    'last run  run_0123456789 of 2026-11-20 02:30 +01:00 = 2026-11-20 01:30 UTC, running',
  )
  expect(text).not.toContain('\u001B')
})

test('a paused one says that nothing comes, a waiting one since when it waits', () => {
  expect(list(view({ state: 'paused', next: [] }))).toContain('never while it is paused')
  expect(list(view({ waitsSince: '2026-11-21T01:30:00.000Z' }))).toContain(
    'waits     since 2026-11-21 02:30 +01:00',
  )
})

test('without any, it is said how to get one', () => {
  expect(list()).toBe(
    'no schedules on redis://queue: "renderq schedule apply <file>" puts them there',
  )
})

test('changes are told from what would change', () => {
  const change = {
    kind: 'changed' as const,
    name: 'nightly',
    fields: [{ field: 'cron', before: '0 2 * * *', after: undefined }],
  }

  expect(formatChange(change, true)).toEqual(['~ nightly  changed', '  cron  "0 2 * * *" → none'])
  expect(formatChange(change, false)).toEqual([
    '~ nightly  would be changed',
    '  cron  "0 2 * * *" → none',
  ])
  expect(formatChange({ kind: 'left alone', name: 'old' }, true)).toEqual([
    '? old  not in the file, left alone: --prune removes it',
  ])
  expect(formatChange({ kind: 'unchanged', name: 'nightly', paused: true }, true)).toEqual([
    '= nightly  unchanged, paused by hand',
  ])
})
