/** While nothing can be lost, a signal ends the process at once, but not without the command that goes on. */
import { sameCommand } from './go-on.ts'
import { exitCodeOf, type StopSignal } from './stop-signals.ts'

/** Until disposed: then somebody else must listen, or signals end the process without a word. */
export function endsOnSignal(): Disposable {
  const end = (signal: StopSignal) => {
    console.error(`stopped. Run the same command again, nothing is done twice:  ${sameCommand()}`)
    process.exit(exitCodeOf(signal))
  }
  process.on('SIGINT', end)
  process.on('SIGTERM', end)
  return {
    [Symbol.dispose]() {
      process.off('SIGINT', end)
      process.off('SIGTERM', end)
    },
  }
}
