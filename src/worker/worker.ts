/** A worker's lifetime: its parts, first what an earlier life left in the spool, then the queue. */
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { messageOf } from '../errors.ts'
import { openImagesApi } from '../images-api/client.ts'
import type { Logger } from '../logger.ts'
import type { Consumer, Queue } from '../queue/queue.ts'
import type { Store } from '../storage/store.ts'
import { backoffDelayMs } from './backoff.ts'
import { openDownloader } from './download.ts'
import { recordsIn } from './records.ts'
import { renderDelivery, storeAnswer, type RenderTools } from './render.ts'
import { stepRun } from './run.ts'
import { openSpool } from './spool.ts'

/** A URL result must be there long before its hour is over. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000
const STORE_RETRY_MS = 15 * 60_000

export interface WorkerParts {
  queue: Queue
  store: Store
  logger: Logger
}

/** Takes work until drained. The caller closes queue and store afterwards. */
export async function startWorker(
  config: Config,
  { queue, store, logger }: WorkerParts,
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
    records: recordsIn(store),
    spool: await openSpool(join(stateDir, 'spool')),
    ledger: queue.ledger,
    imageBytesMax: worker.imageBytesMax,
    storeRetryMs: STORE_RETRY_MS,
  }
  await storeLeftovers(tools)
  // Whoever starts a worker has seen to what stopped the last one; if not, the first call says so again.
  await queue.releaseBrake()

  const consumer = await queue.consume(
    {
      render: (payload, delivery) => renderDelivery(payload, delivery, tools),
      run: (run, cursor) =>
        stepRun(run, cursor, { queue, store, logger, attempts: worker.attempts }),
    },
    {
      concurrency: worker.concurrency,
      lockDurationMs: worker.lockDurationMs,
      stalledIntervalMs: worker.stalledIntervalMs,
      backoff: (attemptsMade) => backoffDelayMs(attemptsMade, worker),
      onTrouble: (message, error) => logger.warn({ err: error && messageOf(error) }, message),
    },
  )
  const drain = async (deadlineMs: number) => {
    await consumer.drain(deadlineMs)
    await api[Symbol.asyncDispose]()
    await downloader[Symbol.asyncDispose]()
  }
  return { drain, [Symbol.asyncDispose]: () => drain(0) }
}

/** Paid answers that an earlier process did not get to store. Their rows will find the records. */
async function storeLeftovers(tools: RenderTools): Promise<void> {
  for await (const answer of tools.spool.leftovers()) {
    const facts = { run: answer.job.run, row: answer.job.id }
    try {
      await storeAnswer(answer, tools)
      await tools.spool.remove(answer.job.fingerprint)
      tools.logger.info(facts, 'stored a picture that an earlier worker had received')
    } catch (error) {
      tools.logger.warn(
        { ...facts, err: messageOf(error) },
        'a received picture still waits in the spool',
      )
    }
  }
}
