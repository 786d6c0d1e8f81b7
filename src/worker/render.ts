/**
 * A row becomes pictures: the file to read first. Looked up before it is paid, begun in the ledger before it
 * is sent, in the spool before it is decoded further, and recorded only when its pictures are stored.
 */
import {
  BusyElsewhereError,
  InterruptedError,
  JobInvalidError,
  messageOf,
  RenderError,
  StorageUnavailableError,
} from '../errors.ts'
import { costUsdOf, PRICE_TABLE_DATE } from '../images-api/prices.ts'
import { RenderJob } from '../job.ts'
import type { Ledger } from '../queue/ledger.ts'
import type { Delivery } from '../queue/queue.ts'
import type { Logger } from '../logger.ts'
import type { PictureEntry, RenderRecord } from '../record.ts'
import { checkKey } from '../storage/keys.ts'
import { callIntoSpool, type CallTools } from './answer.ts'
import { loadInputs } from './input-pictures.ts'
import { keepTrying } from './keep-trying.ts'
import { rowBook, type RowBook } from './row-book.ts'
import type { SpooledAnswer } from './spool.ts'
import { storePictures, type PictureShelf } from './stored-pictures.ts'
import { lookAtTarget } from './target.ts'

export interface RenderTools extends CallTools, PictureShelf {
  ledger: Ledger
  logger: Logger
  /** How long a paid answer keeps trying to reach a store that is down before its job goes back. */
  storeRetryMs: number
}

/** The queue's handler: resolves when the row has an outcome; rejects with the reason it has none yet. */
export async function renderDelivery(
  payload: unknown,
  delivery: Delivery,
  tools: RenderTools,
): Promise<void> {
  const job = parseJob(payload)
  const book = rowBook(job, {
    ledger: tools.ledger,
    attempt: delivery.attempt,
    startedAt: Date.now(),
  })
  try {
    await render(job, { book, delivery, tools })
  } catch (error) {
    await closeAttempt(error, { job, book, delivery, tools })
    throw error
  }
}

interface Attempt {
  book: RowBook
  delivery: Delivery
  tools: RenderTools
}

async function render(job: RenderJob, attempt: Attempt): Promise<void> {
  const { book, delivery, tools } = attempt
  const recorded =
    (await tools.records.find(job.fingerprint)) ?? (await standingRecord(job, attempt))
  if (recorded !== undefined) {
    await book.settleWith(recorded)
    return
  }

  const answer = (await answerInSpool(job, attempt)) ?? (await buyAnswer(job, attempt))
  if (answer === undefined) return
  book.answered()

  const record = await keepTrying(() => storeAnswer(answer, tools), {
    while: (error) => error instanceof StorageUnavailableError,
    forMs: tools.storeRetryMs,
    signal: delivery.abandoned,
  })
  await book.settleWith(record)
  await tools.spool.remove(job.fingerprint)
}

/** The record of what already stands where this row's pictures would go, if that is to stay. */
async function standingRecord(
  job: RenderJob,
  { delivery, tools }: Attempt,
): Promise<RenderRecord | undefined> {
  const target = await lookAtTarget(job, tools)
  switch (target.kind) {
    case 'free':
      return undefined
    case 'kept':
      return target.record
    case 'complete': {
      const { pictures } = target
      return tools.records.commit(recordOf(rebuiltAnswer(job, delivery, tools), pictures))
    }
  }
}

/** An earlier try received it and did not get to store it: nothing is paid again. */
async function answerInSpool(
  job: RenderJob,
  { book, tools }: Attempt,
): Promise<SpooledAnswer | undefined> {
  const spooled = await tools.spool.find(job.fingerprint)
  if (spooled === undefined) return undefined
  const begun = await book.begin({ calling: false })
  return begun.kind === 'go' ? { ...spooled, job } : undefined
}

/** Undefined when the row turned out to be over already. */
async function buyAnswer(
  job: RenderJob,
  { book, delivery, tools }: Attempt,
): Promise<SpooledAnswer | undefined> {
  const startedAt = new Date().toISOString()
  const inputs = await loadInputs(job, tools, delivery.stopping)
  if (delivery.stopping.aborted) throw new InterruptedError('stopped before sending')

  const begun = await book.begin({ calling: true })
  switch (begun.kind) {
    case 'go': {
      const { calls, unknownCalls } = begun
      const history = { attempts: delivery.attempt, calls, unknownCalls, startedAt }
      return callIntoSpool({ job, inputs, history, abandoned: delivery.abandoned }, tools)
    }
    case 'done':
    case 'cancelled':
      return undefined
    case 'busy':
      throw new BusyElsewhereError('another run is calling for the same row right now')
    case 'held':
      await book.settleHeld(begun.calls, begun.unknownCalls)
      return undefined
  }
}

/** Pictures first, the record last: a row counts as done when its record is there, and not before. */
export async function storeAnswer(
  answer: SpooledAnswer,
  shelf: PictureShelf,
): Promise<RenderRecord> {
  const pictures = await storePictures(answer.job, answer.pictures, shelf)
  return shelf.records.commit(recordOf(answer, pictures))
}

type AnswerFacts = Omit<SpooledAnswer, 'version' | 'pictures'>

function recordOf({ job, ...facts }: AnswerFacts, pictures: PictureEntry[]): RenderRecord {
  const costUsd = costUsdOf(job.request.model, facts.usage)
  return {
    version: 1,
    fingerprint: job.fingerprint,
    run: job.run,
    row: job.row,
    id: job.id,
    operation: job.operation,
    request: job.request,
    inputs: facts.inputs,
    mask: facts.mask,
    pictures,
    usage: facts.usage,
    costUsd,
    priceTableDate: costUsd === null ? null : PRICE_TABLE_DATE,
    resolved: facts.resolved,
    server: facts.server,
    requestId: facts.requestId,
    timings: {
      startedAt: facts.startedAt,
      finishedAt: new Date().toISOString(),
      requestMs: facts.requestMs,
    },
    attempts: facts.attempts,
    calls: facts.calls,
    unknownCalls: facts.unknownCalls,
    warnings: facts.warnings,
  }
}

/** What is still known of an answer whose pictures were stored by a worker that died before its record. */
function rebuiltAnswer(job: RenderJob, { attempt }: Delivery, { api }: RenderTools): AnswerFacts {
  return {
    job,
    usage: null,
    requestId: null,
    resolved: {},
    requestMs: null,
    server: api.baseUrl,
    inputs: [],
    mask: null,
    startedAt: new Date().toISOString(),
    attempts: attempt,
    calls: 0,
    unknownCalls: 0,
    warnings: ['the record was rebuilt from the stored pictures; usage and cost are lost'],
  }
}

/** Books what the failed attempt means: the end of the row, or one more try by the queue. */
async function closeAttempt(
  error: unknown,
  { job, book, delivery, tools }: Attempt & { job: RenderJob },
): Promise<void> {
  const isOver = endsRow(error, delivery)
  const facts = { run: job.run, row: job.id, attempt: delivery.attempt, err: errorFacts(error) }
  tools.logger[isOver ? 'error' : 'warn'](facts, isOver ? 'row failed' : 'attempt failed')
  if (isOver) await book.settleFailed(error)
  else await book.release(error)
}

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

function parseJob(payload: unknown): RenderJob {
  const parsed = RenderJob.safeParse(payload)
  const problem = parsed.success ? checkKey(parsed.data.key) : parsed.error.message
  if (parsed.success && problem === undefined) return parsed.data
  throw new JobInvalidError(`the queue delivered something that is not a job: ${problem}`)
}
