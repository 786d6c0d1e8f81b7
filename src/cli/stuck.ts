/** Tells when waiting for a run is in vain. */
import type { RunBooks } from '../queue/ledger.ts'
import type { RunTrouble } from '../queue/queue.ts'

/** As long as an answer that is paid waits for the store: no outage that passes by itself should end a command. */
const STUCK_MAX_MS = 15 * 60_000

/** To be asked at every look: true once steps of the run have failed all that time, and no row has ended in it. */
export function stuckness() {
  let settled = -1
  let movedAt = 0
  return (
    books: Pick<RunBooks, 'settled'>,
    trouble: RunTrouble | undefined,
    now = Date.now(),
  ): trouble is RunTrouble => {
    if (books.settled !== settled) movedAt = now
    settled = books.settled
    return trouble !== undefined && now - Math.max(trouble.since, movedAt) >= STUCK_MAX_MS
  }
}
