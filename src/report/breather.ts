/** Keeps long work from keeping everything else of the process waiting. */
import { setImmediate } from 'node:timers/promises'

/** Well under the 50 ms that lock renewals and timers of the same process may be kept waiting. */
const BUSY_MS_MAX = 15

/** Long work in small steps lets everything else have its turn now and then. */
export class Breather {
  #since = performance.now()

  /** Called after each small step; nearly always there is nothing to wait for. */
  get isDue(): boolean {
    return performance.now() - this.#since > BUSY_MS_MAX
  }

  async breathe(): Promise<void> {
    await setImmediate()
    this.#since = performance.now()
  }
}
