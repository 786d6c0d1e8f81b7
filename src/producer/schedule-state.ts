/** What became of a schedule's ticks, in the store: `_schedules/<name>.json`. The queue keeps only the clock. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { RunId } from '../job.ts'
import { scheduleKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

const BYTES_MAX = 1024 * 1024
/** Two workers rarely meet here; this many collisions in a row are no accident. */
const TRIES_MAX = 20
const TRY_AGAIN_MS = 50

const TICK_OUTCOMES = ['fired', 'continued', 'skipped', 'failed'] as const

export const ScheduleState = z.object({
  version: z.literal(1),
  /** Runs of this schedule that were not known to be over. Claimed before they are entered. */
  runs: z.array(z.object({ run: RunId, claimedAt: z.iso.datetime() })),
  /** The last tick that anything became of. */
  last: z
    .object({
      /** When it was due; of one fired by hand, when that was. */
      dueAt: z.iso.datetime(),
      at: z.iso.datetime(),
      byHand: z.boolean(),
      outcome: z.enum(TICK_OUTCOMES),
      run: RunId.nullable(),
      /** Why it was skipped, how it failed, what is odd about it. */
      note: z.string().nullable(),
    })
    .nullable(),
  /** The last run it entered, or continued. */
  lastRun: z.object({ run: RunId, dueAt: z.iso.datetime() }).nullable(),
})
export type ScheduleState = z.infer<typeof ScheduleState>

const NOTHING_YET: ScheduleState = { version: 1, runs: [], last: null, lastRun: null }

/** What can't be read counts as nothing: it is only a memory, and the next tick writes it anew. */
export async function readScheduleState(name: string, store: Store): Promise<ScheduleState> {
  const bytes = await store.get(scheduleKey(name), { bytesMax: BYTES_MAX })
  if (bytes === undefined) return NOTHING_YET
  try {
    return ScheduleState.parse(JSON.parse(bytes.toString('utf8')))
  } catch {
    return NOTHING_YET
  }
}

/** Changes it as if nobody else did at the same time: `change` may be called again with what another one wrote. */
export async function changeScheduleState(
  name: string,
  store: Store,
  change: (state: ScheduleState) => ScheduleState,
): Promise<void> {
  const key = scheduleKey(name)
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const head = await store.head(key)
    const state = change(await readScheduleState(name, store))
    const put = await store.put(key, Buffer.from(`${JSON.stringify(state, null, 2)}\n`), {
      contentType: 'application/json',
      when: head === undefined ? 'absent' : { etag: head.etag },
    })
    if (put.kind === 'stored') return
    await sleep(Math.random() * TRY_AGAIN_MS)
  }
  throw new Error(`${store.locationOf(key)} is changed by others all the time`)
}
