/** Schedules as BullMQ's job schedulers: kept by name, each with its next tick on the `schedules` queue. */
import type { BullQueue } from './bull-backend.ts'
import type { ScheduleEntry, Schedules } from './queue.ts'

export const SCHEDULES_QUEUE = 'schedules'

/** A tick is tried again until its handler lets it be; with the longest backoff, this is about a week. */
const TICK_OPTIONS = {
  attempts: 10_000,
  backoff: { type: 'custom' },
  stackTraceLimit: 3,
  keepLogs: 20,
}

export function schedulesOver(ticks: BullQueue): Schedules {
  const put = async ({ name, pattern, timeZone, payload }: ScheduleEntry) => {
    const repeat = { pattern, tz: timeZone }
    await ticks.upsertJobScheduler(name, repeat, {
      name: 'tick',
      data: payload,
      opts: TICK_OPTIONS,
    })
  }
  const list: Schedules['list'] = async () => {
    const found = await ticks.getJobSchedulers(0, -1, true)
    return found.map(({ key, pattern = '', tz = 'UTC', template, next }) => ({
      name: key,
      pattern,
      timeZone: tz,
      payload: template?.data as unknown,
      nextAt: next,
    }))
  }
  return {
    put,
    list,
    remove: (name) => ticks.removeJobScheduler(name),
    async revive() {
      const revived: string[] = []
      for (const entry of await list()) {
        if ((await ticks.getJobState(tickJobId(entry.name, entry.nextAt))) !== 'unknown') continue
        await put(entry)
        revived.push(entry.name)
      }
      return revived
    },
  }
}

/** As BullMQ names it. */
const tickJobId = (name: string, dueAt: number | undefined) => `repeat:${name}:${dueAt}`
