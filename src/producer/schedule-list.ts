/** Everything there is to know of the schedules on a queue: what they do, when next, and what became of the last tick. */
import type { Queue } from '../queue/queue.ts'
import type { RunState } from '../queue/ledger.ts'
import type { Store } from '../storage/store.ts'
import { listSchedules, type ListedSchedule } from './schedule-apply.ts'
import type { Schedule } from './schedule-file.ts'
import { readScheduleState, type ScheduleState } from './schedule-state.ts'
import { nextTicks } from './schedule-times.ts'

const TICKS_SHOWN = 3

export interface ScheduleView {
  name: string
  /** `unreadable`: applied by another version. `suspended` by its file, `paused` by hand. */
  state: 'active' | 'paused' | 'suspended' | 'unreadable'
  schedule: Schedule | null
  /** ISO, empty unless it is active. */
  next: string[]
  /** ISO: since when a tick waits for a worker. */
  waitsSince: string | null
  last: ScheduleState['last']
  /** `state` is null when the ledger no longer knows it. */
  lastRun: (NonNullable<ScheduleState['lastRun']> & { state: RunState | null }) | null
}

export async function viewSchedules(
  { queue, store }: { queue: Queue; store: Store },
  now: number,
): Promise<ScheduleView[]> {
  const listed = await listSchedules(queue.schedules)
  return Promise.all(
    listed.map(async (each) => ({
      name: each.name,
      state: stateOf(each),
      schedule: each.applied?.schedule ?? null,
      ...clockOf(each, now),
      ...(await fateOf(each.name, { queue, store })),
    })),
  )
}

function stateOf({ applied }: ListedSchedule): ScheduleView['state'] {
  if (applied === undefined) return 'unreadable'
  if (applied.schedule.suspend) return 'suspended'
  return applied.paused ? 'paused' : 'active'
}

function clockOf(listed: ListedSchedule, now: number): Pick<ScheduleView, 'next' | 'waitsSince'> {
  const { applied, nextAt } = listed
  if (applied === undefined || stateOf(listed) !== 'active') return { next: [], waitsSince: null }
  const next = nextTicks(applied.schedule, now, TICKS_SHOWN)
  const waits = nextAt !== undefined && nextAt < now
  return { next: next.map(toIso), waitsSince: waits ? toIso(nextAt) : null }
}

const toIso = (at: number) => new Date(at).toISOString()

async function fateOf(
  name: string,
  { queue, store }: { queue: Queue; store: Store },
): Promise<Pick<ScheduleView, 'last' | 'lastRun'>> {
  const { last, lastRun } = await readScheduleState(name, store)
  if (lastRun === null) return { last, lastRun }
  const books = await queue.ledger.books(lastRun.run)
  return { last, lastRun: { ...lastRun, state: books?.state ?? null } }
}
