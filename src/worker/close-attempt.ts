/** The end of an attempt that failed: what its error means for the row, the books, the log and the tries to come. */
import { messageOf, RenderError } from '../errors.ts'
import type { RenderJob } from '../job.ts'
import type { Logger } from '../logger.ts'
import type { Delivery } from '../queue/queue.ts'
import { whatHelps } from '../what-helps.ts'
import { keepTrying } from './keep-trying.ts'
import type { RowBook } from './row-book.ts'

export interface FailedAttempt {
  job: RenderJob
  book: RowBook
  delivery: Delivery
  tools: { logger: Logger; ledgerRetryMs: number }
}

/** Books what the failed attempt means: the end of the row, or one more try by the queue. */
export async function closeAttempt(
  error: unknown,
  { job, book, delivery, tools }: FailedAttempt,
): Promise<void> {
  const isOver = endsRow(error, delivery)
  const facts = { run: job.run, row: job.id, attempt: delivery.attempt, err: errorFacts(error) }
  const help = whatHelps(error instanceof RenderError ? error.code : 'bug')
  if (isOver) tools.logger.error({ ...facts, help }, 'row failed')
  else if (isPause(error))
    tools.logger.error({ ...facts, help }, 'everyone stops: no call can succeed now')
  else tools.logger.warn(facts, 'attempt failed')
  try {
    await keepTrying<unknown>(() => (isOver ? book.settleFailed(error) : book.release(error)), {
      while: () => true,
      forMs: tools.ledgerRetryMs,
    })
  } catch (ledgerError) {
    // What the API said matters more; the next delivery books this call as unknown.
    tools.logger.error({ ...facts, ledger: messageOf(ledgerError) }, 'the ledger could not be told')
  }
  if (!isOver && isRemembered(error)) await remember(error, { job, book, delivery, tools })
}

/** For people who look at the row later; it is rendered without it as well. */
async function remember(error: unknown, { book, delivery, tools }: FailedAttempt): Promise<void> {
  try {
    await delivery.remember(book.attemptAfter(error))
  } catch (cause) {
    tools.logger.warn({ cause: messageOf(cause) }, 'the attempt could not be noted')
  }
}

/** A delivery that only had to wait for somebody was no try of the row. */
const isRemembered = (error: unknown) =>
  !(error instanceof RenderError) || error.advice.retry !== 'later'

const isPause = (error: unknown) => error instanceof RenderError && error.advice.retry === 'pause'

function endsRow(error: unknown, { isLastAttempt }: Delivery): boolean {
  if (!(error instanceof RenderError)) return isLastAttempt
  switch (error.advice.retry) {
    case 'never':
      return true
    case 'backoff':
    case 'unknown':
      return isLastAttempt
    case 'after':
    case 'later':
    case 'pause':
      return false
  }
}

function errorFacts(error: unknown): object {
  if (!(error instanceof RenderError))
    return { message: messageOf(error), stack: (error as Error).stack }
  const { code, message, status, requestId, serverCode } = error
  return { code, message, status, requestId, serverCode }
}
