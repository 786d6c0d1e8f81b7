/** Schedules for people: the list, and what applying a file changes. Pure. */
import type { ScheduleChange } from '../producer/schedule-apply.ts'
import type { Schedule } from '../producer/schedule-file.ts'
import type { ScheduleView } from '../producer/schedule-list.ts'
import { formatTime } from '../producer/schedule-times.ts'
import { labelled } from './labelled.ts'
import { printable } from './printable.ts'

export function formatSchedules(views: readonly ScheduleView[], queueName: string): string {
  if (views.length === 0) {
    return `no schedules on ${queueName}: "renderq schedule apply <file>" puts them there`
  }
  return views.map((view) => [headOf(view), ...bodyOf(view)].join('\n')).join('\n\n')
}

function headOf({ name, state, schedule }: ScheduleView): string {
  if (schedule === null) return `${name}  unreadable: applied by another version, apply it again`
  return `${name}  ${state}  ${clockOf(schedule)}`
}

const clockOf = ({ cron, timeZone }: Schedule): string => `${cron}  ${timeZone}`

function bodyOf({ schedule, next, waitsSince, last, lastRun, state }: ScheduleView): string[] {
  if (schedule === null) return []
  const { timeZone } = schedule
  const [first, ...further] = next.map((at) => inBothZones(at, timeZone))
  return labelled([
    ['manifest', schedule.manifest],
    ['last', last === null ? 'nothing yet' : lastOf(last, timeZone)],
    ['last run', lastRun === null ? undefined : runOf(lastRun, timeZone)],
    ['waits', waitsSince === null ? undefined : `since ${inBothZones(waitsSince, timeZone)}`],
    ['next', first ?? `never while it is ${state}`],
    ...further.map((at) => ['', at] as const),
  ])
}

function inBothZones(at: string, timeZone: string): string {
  const inUtc = formatTime(Date.parse(at), 'UTC')
  const local = formatTime(Date.parse(at), timeZone)
  return local === inUtc ? inUtc : `${local} = ${inUtc}`
}

function lastOf(last: NonNullable<ScheduleView['last']>, timeZone: string): string {
  const { dueAt, byHand, outcome, note } = last
  const when = `${inBothZones(dueAt, timeZone)}${byHand ? ' by hand' : ''}`
  return `${when}: ${outcome}${note === null ? '' : `: ${note}`}`
}

function runOf(lastRun: NonNullable<ScheduleView['lastRun']>, timeZone: string): string {
  const { run, dueAt, state } = lastRun
  return `${run} of ${inBothZones(dueAt, timeZone)}, ${state ?? 'no longer on the queue'}`
}

export function formatChange(change: ScheduleChange, isDone: boolean): string[] {
  const { name } = change
  switch (change.kind) {
    case 'added':
      return [`+ ${name}  ${isDone ? 'added' : 'would be added'}`]
    case 'removed':
      return [`- ${name}  ${isDone ? 'removed' : 'would be removed'}`]
    case 'left alone':
      return [`? ${printable(name)}  not in the file, left alone: --prune removes it`]
    case 'unchanged':
      return [`= ${name}  unchanged${change.paused ? ', paused by hand' : ''}`]
    case 'changed':
      return [
        `~ ${name}  ${isDone ? 'changed' : 'would be changed'}`,
        ...labelled(
          change.fields.map(({ field, before, after }) => [
            field,
            `${JSON.stringify(before) ?? 'none'} → ${JSON.stringify(after) ?? 'none'}`,
          ]),
        ),
      ]
  }
}
