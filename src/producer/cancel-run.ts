/** A run is cancelled for good: its store is told first, so that one that is rebuilt from it stays cancelled. */
import type { RunId } from '../job.ts'
import type { RunState } from '../queue/ledger.ts'
import type { Queue } from '../queue/queue.ts'
import { cancelledKey } from '../storage/keys.ts'
import type { Store } from '../storage/store.ts'

/** Gives the state afterwards, undefined for a run that the ledger does not know. May be repeated. */
export async function cancelRun(
  run: RunId,
  { queue, store }: { queue: Queue; store: Store },
): Promise<RunState | undefined> {
  await store.put(cancelledKey(run), Buffer.from(`${run}\n`), {
    contentType: 'text/plain',
    when: 'absent',
  })
  return queue.ledger.steer(run, 'cancel')
}

export async function wasCancelled(run: RunId, store: Store): Promise<boolean> {
  return (await store.head(cancelledKey(run))) !== undefined
}
