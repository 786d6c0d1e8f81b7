/** Schedules on the queue: what a file would change there, and the changes that commands make. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import type { Schedules } from '../queue/queue.ts'
import { StoredSchedule, type Schedule } from './schedule-file.ts'
import { patternOf } from './schedule-times.ts'

/** What a tick carries: the whole definition, so that a worker needs nothing else to fire. */
export const AppliedSchedule = z.strictObject({
  version: z.literal(1),
  /** Made once: keeps the run ids of two queues with schedules of the same name apart. */
  id: z.string().regex(/^[0-9a-f]{20}$/),
  /** Paused by hand, which applying a file does not undo. */
  paused: z.boolean(),
  /** As in the file; a manifest that is a path is relative to the schedule root. */
  schedule: StoredSchedule,
})
export type AppliedSchedule = z.infer<typeof AppliedSchedule>

export interface ListedSchedule {
  name: string
  /** Undefined when what the queue holds is not of this version. */
  applied: AppliedSchedule | undefined
  /** Unix ms; past when it waits for a worker. */
  nextAt: number | undefined
}

export async function listSchedules(queued: Schedules): Promise<ListedSchedule[]> {
  return (await queued.list()).map(({ name, payload, nextAt }) => ({
    name,
    applied: AppliedSchedule.safeParse(payload).data,
    nextAt,
  }))
}

export interface FieldChange {
  field: string
  before: unknown
  after: unknown
}

export type ScheduleChange =
  | { kind: 'added' | 'removed' | 'left alone'; name: string }
  | { kind: 'unchanged'; name: string; paused: boolean }
  | { kind: 'changed'; name: string; fields: FieldChange[] }

/** What `applySchedules` does, without doing it. */
export async function compareSchedules(
  schedules: readonly Schedule[],
  queued: Schedules,
  { prune }: { prune: boolean },
): Promise<ScheduleChange[]> {
  const listed = new Map((await listSchedules(queued)).map((each) => [each.name, each]))
  const wanted = new Set(schedules.map(({ name }) => name))
  const others = [...listed.keys()].filter((name) => !wanted.has(name))
  return [
    ...schedules.map((schedule) => changeOf(schedule, listed.get(schedule.name))),
    ...others.map((name) => ({ kind: prune ? 'removed' : 'left alone', name }) as const),
  ]
}

/** May be repeated after a failure: what is done already is unchanged then. */
export async function applySchedules(
  schedules: readonly Schedule[],
  queued: Schedules,
  { prune }: { prune: boolean },
): Promise<ScheduleChange[]> {
  const changes = await compareSchedules(schedules, queued, { prune })
  const listed = new Map((await listSchedules(queued)).map((each) => [each.name, each.applied]))
  const wanted = new Map(schedules.map((schedule) => [schedule.name, schedule]))
  for (const { kind, name } of changes) {
    const schedule = wanted.get(name)
    if (kind === 'removed') await queued.remove(name)
    if (schedule === undefined || (kind !== 'added' && kind !== 'changed')) continue
    const before = listed.get(name) ?? { version: 1, id: newId(), paused: false }
    await put({ ...before, schedule }, queued)
  }
  return changes
}

const newId = () => randomBytes(10).toString('hex')

async function put(applied: AppliedSchedule, queued: Schedules): Promise<void> {
  const { name, timeZone } = applied.schedule
  await queued.put({ name, pattern: patternOf(applied.schedule), timeZone, payload: applied })
}

function changeOf(schedule: Schedule, listed: ListedSchedule | undefined): ScheduleChange {
  const { name } = schedule
  if (listed === undefined) return { kind: 'added', name }
  if (listed.applied === undefined) {
    return { kind: 'changed', name, fields: [{ field: 'version', before: 'another', after: 1 }] }
  }
  const fields = changedFields(listed.applied.schedule, schedule)
  if (fields.length > 0) return { kind: 'changed', name, fields }
  return { kind: 'unchanged', name, paused: listed.applied.paused }
}

function changedFields(before: Schedule, after: Schedule): FieldChange[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Schedule>
  return [...fields]
    .map((field) => ({ field, before: before[field], after: after[field] }))
    .filter((change) => inOrder(change.before) !== inOrder(change.after))
}

/** The order in which a file names keys means nothing. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  )
}

/** Throws ConfigError when there is none of that name, or not of this version. */
export async function findSchedule(name: string, queued: Schedules): Promise<AppliedSchedule> {
  const listed = await listSchedules(queued)
  const found = listed.find((each) => each.name === name)
  if (found === undefined) throw noSuchSchedule(name, listed)
  if (found.applied !== undefined) return found.applied
  throw new ConfigError(`schedule "${name}" was applied by another version: apply it again`)
}

/** Gives the schedule as it is then. */
export async function pauseSchedule(
  name: string,
  queued: Schedules,
  { paused }: { paused: boolean },
): Promise<AppliedSchedule> {
  const before = await findSchedule(name, queued)
  const after = { ...before, paused }
  if (before.paused !== paused) await put(after, queued)
  return after
}

/** What its runs have made stays, and so does what is known of its ticks. */
export async function removeSchedule(name: string, queued: Schedules): Promise<void> {
  if (await queued.remove(name)) return
  throw noSuchSchedule(name, await listSchedules(queued))
}

function noSuchSchedule(name: string, listed: readonly ListedSchedule[]): ConfigError {
  const meant = nearest(
    name,
    listed.map((each) => each.name),
  )
  const hint = meant === undefined ? '"renderq schedule list" shows them' : `did you mean ${meant}?`
  return new ConfigError(`there is no schedule "${name}" on this queue (${hint})`)
}
