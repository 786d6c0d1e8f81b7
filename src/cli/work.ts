/** Opens everything a worker needs, works until a signal, and closes it in reverse. */
import type { Config } from '../config.ts'
import { fireTick } from '../producer/schedule-fire.ts'
import type { Consumer } from '../queue/queue.ts'
import { startWorker } from '../worker/worker.ts'
import { openParts } from './parts.ts'
import { requireApi } from './require-api.ts'
import { scheduleToolsFor } from './schedule-tools.ts'
import { exitCodeOf, onStopSignals } from './stop-signals.ts'

/** Returns the exit code. */
export async function work(config: Config): Promise<number> {
  requireApi(config)
  const { concurrency, drainTimeoutMs } = config.worker
  await using parts = await openParts(config, { command: 'worker', works: true })
  const { logger, queue, store } = parts
  let worker: Consumer | undefined
  const ladder = onStopSignals({
    first: () => logger.info({ drainTimeoutMs }, 'stopping: paid calls finish, the rest goes back'),
    second: () => void worker?.drain(0),
  })
  const scheduleTools = scheduleToolsFor(config, parts)
  worker = await startWorker(config, {
    ...parts,
    onTick: (payload, dueAt) => fireTick(payload, dueAt, scheduleTools),
  })
  const api = config.openai.baseUrl
  logger.info({ queue: queue.name, store: store.url, api, concurrency }, 'worker is ready')
  const signal = await ladder.stopped
  await worker.drain(drainTimeoutMs)
  ladder.close()
  logger.info('worker has stopped')
  return exitCodeOf(signal)
}
