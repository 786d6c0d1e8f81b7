/**
 * The ladder of SIGINT and SIGTERM: the first lets paid calls finish, the second gives them up, the third ends
 * the process at once.
 */
import { EXIT } from '../errors.ts'

export type StopSignal = 'SIGINT' | 'SIGTERM'

export interface StopLadder {
  /** The first signal that came, if any. */
  readonly received: StopSignal | undefined
  readonly stopped: Promise<StopSignal>
  /** Stops listening. */
  close(): void
}

export function onStopSignals(steps: { first(): void; second(): void }): StopLadder {
  let count = 0
  let received: StopSignal | undefined
  const { promise: stopped, resolve } = deferred<StopSignal>()
  const handle = (signal: StopSignal) => {
    count++
    received ??= signal
    if (count === 1) {
      resolve(signal)
      steps.first()
    } else if (count === 2) {
      steps.second()
    } else {
      process.exit(exitCodeOf(signal))
    }
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  return {
    get received() {
      return received
    },
    stopped,
    close() {
      process.off('SIGINT', handle)
      process.off('SIGTERM', handle)
    },
  }
}

export const exitCodeOf = (signal: StopSignal) => (signal === 'SIGINT' ? EXIT.sigint : EXIT.sigterm)

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil
  })
  return { promise, resolve }
}
