/** A worker's lifetime: opens its parts, takes work, drains, closes them. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { openImagesApi } from '../images-api/client.ts'
import type { Logger } from '../logger.ts'
import type { Consumer, Handlers, Queue } from '../queue/queue.ts'
import type { Store } from '../storage/store.ts'
import { backoffDelayMs } from './backoff.ts'
import { openDownloader } from './download.ts'
import { InputCache } from './input-cache.ts'
import { recordsIn } from './records.ts'
import { renderDelivery, type RenderTools } from './render.ts'
import { stepRun } from './run.ts'
import { openSpool } from './spool.ts'

/** For the results of one answer; its row comes back for what is still missing. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000
const STORE_RETRY_MS = 15 * 60_000
const LEDGER_RETRY_MS = 30_000

export interface WorkerParts {
  queue: Queue
  store: Store
  logger: Logger
  /** Told of every partial picture that comes. */
  onPreview?: () => void
  /** Fires schedules. Absent: their ticks are left to other workers. */
  onTick?: Handlers['tick']
}

/** Takes work until drained. The caller closes queue and store afterwards. */
export async function startWorker(
  config: Config,
  { queue, store, logger, onPreview, onTick }: WorkerParts,
): Promise<Consumer> {
  const { worker, openai, stateDir } = config
  const api = openImagesApi({ ...openai, ...worker })
  const downloader = openDownloader({
    allowPrivate: worker.allowPrivateUrls,
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
    trustedOrigins: [new URL(openai.baseUrl).origin],
  })
  const tools: RenderTools = {
    api,
    downloader,
    store,
    logger,
    inputCache: new InputCache(),
    records: recordsIn(store),
    spool: await openSpool(join(stateDir, 'spool')),
    ledger: queue.ledger,
    imageBytesMax: worker.imageBytesMax,
    storeRetryMs: STORE_RETRY_MS,
    ledgerRetryMs: LEDGER_RETRY_MS,
    ...(onPreview !== undefined && { onPreview }),
  }
  // Whoever starts a worker has seen to what stopped the last one; if not, the first call says so again.
  await queue.releaseBrake()
  if (onTick !== undefined) await reviveSchedules(queue, logger)

  const consumer = await queue.consume(
    {
      render: (payload, delivery) => renderDelivery(payload, delivery, tools),
      run: (run, cursor) =>
        stepRun(run, cursor, {
          queue,
          store,
          logger,
          attempts: worker.attempts,
          workDir: join(stateDir, 'runs'),
        }),
      ...(onTick !== undefined && { tick: onTick }),
    },
    {
      concurrency: worker.concurrency,
      lockDurationMs: worker.lockDurationMs,
      stalledIntervalMs: worker.stalledIntervalMs,
      backoff: (attemptsMade) => backoffDelayMs(attemptsMade, worker),
      onTrouble: (message, error) => logger.warn({ err: error && messageOf(error) }, message),
    },
  )
  let closed: Promise<unknown> | undefined
  const drain = async (deadlineMs: number) => {
    await consumer.drain(deadlineMs)
    closed ??= Promise.allSettled([api[Symbol.asyncDispose](), downloader[Symbol.asyncDispose]()])
    await closed
  }
  return { drain, [Symbol.asyncDispose]: () => drain(0) }
}

async function reviveSchedules({ schedules }: Queue, logger: Logger): Promise<void> {
  for (const schedule of await schedules.revive()) {
    logger.warn({ schedule }, 'the next tick of a schedule was lost: its clock starts again')
  }
}
