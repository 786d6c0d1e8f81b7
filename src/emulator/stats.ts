import { createHash } from 'node:crypto'
import { type Operation, OPERATIONS } from './models.ts'

export interface EmulatorStats {
  /** Image requests that had an accepted key and were read whole. */
  calls: number
  /** Answers of image routes, of any status, that were handed over to the last byte. */
  answered: number
  /** Calls whose pictures were made and charged, also when the client never got them. */
  paid: number
  /** Pictures of the paid calls. */
  pictures: number
  /** `calls` by operation. */
  byOperation: Record<Operation, number>
  /** `answered` by HTTP status. */
  byStatus: Record<string, number>
  /** Calls being worked on or answered now, and the most there ever were. */
  activeNow: number
  activeMax: number
}

export interface PaidCall {
  /** Ordinal of the call, from 1. */
  call: number
  operation: Operation
  model: string
  promptSha: string
  n: number
  /** Stands inside each of its pictures and is the `x-request-id` of its answer. */
  nonce: string
}

export const PAID_CALLS_MAX = 100_000

export class Stats {
  #stats: EmulatorStats = {
    calls: 0,
    answered: 0,
    paid: 0,
    pictures: 0,
    byOperation: Object.fromEntries(OPERATIONS.map((name) => [name, 0])) as Record<
      Operation,
      number
    >,
    byStatus: {},
    activeNow: 0,
    activeMax: 0,
  }
  #paidCalls: PaidCall[] = []

  begin(operation: Operation): { number: number } & Disposable {
    const stats = this.#stats
    stats.calls += 1
    stats.byOperation[operation] += 1
    stats.activeNow += 1
    stats.activeMax = Math.max(stats.activeMax, stats.activeNow)
    return {
      number: stats.calls,
      [Symbol.dispose]: () => {
        stats.activeNow -= 1
      },
    }
  }

  answered(status: number): void {
    this.#stats.answered += 1
    this.#stats.byStatus[status] = (this.#stats.byStatus[status] ?? 0) + 1
  }

  paid({ prompt, ...call }: Omit<PaidCall, 'promptSha'> & { prompt: string }): void {
    this.#stats.paid += 1
    this.#stats.pictures += call.n
    const promptSha = createHash('sha256').update(prompt).digest('hex')
    this.#paidCalls.push({ ...call, promptSha })
    // The oldest go in slabs, so that the bound does not cost a copy for every call.
    if (this.#paidCalls.length > PAID_CALLS_MAX) this.#paidCalls.splice(0, PAID_CALLS_MAX / 10)
  }

  snapshot(): EmulatorStats {
    return structuredClone(this.#stats)
  }

  /** Oldest first; at most the newest `PAID_CALLS_MAX`. */
  paidCalls(): readonly PaidCall[] {
    return [...this.#paidCalls]
  }
}
