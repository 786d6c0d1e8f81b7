/**
 * A row becomes pictures: the file to read first. Looked up before it is paid, begun in the ledger before it
 * is sent, in the spool before it is decoded further, and recorded only when its pictures are stored.
 */
import {
  BusyElsewhereError,
  FileChangedError,
  InterruptedError,
  JobInvalidError,
  LedgerUnavailableError,
  messageOf,
  OtherStoreError,
  RenderError,
  ResponseBrokenError,
  ResultRefusedError,
  RunPausedError,
  StorageUnavailableError,
} from '../errors.ts'
import { costUsdOf, PRICE_TABLE_DATE } from '../images-api/prices.ts'
import { fingerprintOf, RenderJob } from '../job.ts'
import type { Begin, Ledger } from '../queue/ledger.ts'
import type { Delivery } from '../queue/queue.ts'
import type { Logger } from '../logger.ts'
import type { RenderRecord } from '../record.ts'
import { checkKey } from '../storage/keys.ts'
import { whatHelps } from '../what-helps.ts'
import { callIntoSpool, type CallTools } from './answer.ts'
import type { InputCache } from './input-cache.ts'
import type { RecordPlace } from './records.ts'
import { loadInputs, type LoadedInputs } from './input-pictures.ts'
import { keepTrying } from './keep-trying.ts'
import { fetchLinks } from './linked-pictures.ts'
import { rowBook, type RowBook } from './row-book.ts'
import type { SpooledAnswer } from './spooled-answer.ts'
import { storePictures, storePreviews, type PictureShelf } from './stored-pictures.ts'
import { adoptAll, lookAtTarget, type Target } from './target.ts'

export interface RenderTools extends CallTools, Omit<PictureShelf, 'enteredAt'> {
  ledger: Ledger
  logger: Logger
  inputCache?: InputCache
  /** How long a paid answer keeps trying to reach a store that is down before its job goes back. */
  storeRetryMs: number
  /** Told of every partial picture, for a display. */
  onPreview?: () => void
  /** The same for the ledger, when everything is stored and only the books are missing. */
  ledgerRetryMs: number
}

/** The queue's handler: resolves when the row has an outcome; rejects with the reason it has none yet. */
export async function renderDelivery(
  payload: unknown,
  delivery: Delivery,
  tools: RenderTools,
): Promise<void> {
  const job = parseJob(payload)
  const enteredAt = await enteredAtOf(job, tools)
  const startedAt = Date.now()
  const book = rowBook(job, { ledger: tools.ledger, attempt: delivery.attempt, startedAt })
  const attempt = { book, delivery, tools, shelf: { ...tools, enteredAt } }
  try {
    await render(job, attempt)
  } catch (error) {
    await closeAttempt(error, { job, ...attempt })
    throw error
  }
}

/** How often the row was called, with the call that was booked just now. */
type Begun = Extract<Begin, { kind: 'go' }>

interface Attempt {
  book: RowBook
  delivery: Delivery
  tools: RenderTools
  shelf: PictureShelf
}

/** Several runs may share a queue, but each row goes where its own run stores. */
async function enteredAtOf({ run }: RenderJob, { ledger, store }: RenderTools): Promise<number> {
  const books = await ledger.books(run)
  if (books === undefined || books.store === store.url) return books?.enteredAt ?? 0
  throw new OtherStoreError(
    `${run} stores into ${books.store}, this worker into ${store.url}: give all workers of a queue one store`,
  )
}

async function render(job: RenderJob, attempt: Attempt): Promise<void> {
  const { book, delivery, tools, shelf } = attempt
  const { record: recorded } = await shelf.records.look(job)
  if (recorded !== undefined) {
    await settle(book, { record: recorded }, tools)
    // An answer that somebody else stored, or that was stored just before a worker died.
    return tools.spool.remove(job.fingerprint)
  }
  const target = await lookAtTarget(job, shelf)
  if (target.kept !== undefined) return settle(book, { record: target.kept }, tools)

  const answered = (await answerInSpool(job, attempt)) ?? (await buyAnswer(job, target, attempt))
  if (answered === undefined) return
  const { answer } = answered

  const record = await keepTrying(() => storeAnswer(answered, shelf), {
    while: (error) => error instanceof StorageUnavailableError,
    forMs: tools.storeRetryMs,
    signal: delivery.abandoned,
  }).catch((error: unknown) => dropIfSpoiled(error, job, tools))
  const paidUsd = costUsdOf(job.request.model, answer.usage)
  await settle(book, { record, paidUsd }, tools)
  await tools.spool.remove(job.fingerprint)
}

interface Answered {
  answer: SpooledAnswer
  /** What stood in the place of its record just before the call; unknown when the answer was in the spool. */
  place?: RecordPlace
}

/** Everything is stored by now: whatever happens to the ledger, the row must not end as failed. */
async function settle(
  book: RowBook,
  { record, paidUsd }: { record: RenderRecord; paidUsd?: number | null },
  { ledgerRetryMs }: RenderTools,
): Promise<void> {
  try {
    await keepTrying(() => book.settleWith(record, paidUsd), {
      while: () => true,
      forMs: ledgerRetryMs,
    })
  } catch (cause) {
    throw new LedgerUnavailableError(`the ledger could not be told: ${messageOf(cause)}`, { cause })
  }
}

/** An earlier try received it and did not get to store it: nothing is paid again. */
async function answerInSpool(job: RenderJob, attempt: Attempt): Promise<Answered | undefined> {
  const { book, tools } = attempt
  const spooled = await tools.spool.find(job.fingerprint, tools.store.url)
  if (spooled === undefined) return undefined
  const begun = await book.begin({ calling: false })
  if (begun.kind !== 'go') return undefined
  try {
    return { answer: await completed({ ...spooled, job, ...laterCalls(spooled, begun) }, attempt) }
  } catch (error) {
    if (!(error instanceof ResultRefusedError)) throw error
    // Everyone stopped for this before: who has started again has seen to it, and wants another answer.
    await tools.spool.remove(job.fingerprint)
    return undefined
  }
}

/** Workers to whom this spool is out of reach may have called since, and died. */
function laterCalls(
  spooled: SpooledAnswer,
  { calls, unknownCalls }: Begun,
): Partial<SpooledAnswer> {
  return calls > spooled.calls ? { calls, unknownCalls } : {}
}

/** What the answer only names is downloaded; whatever fails from here on, nothing about the call is unknown. */
async function completed(
  answer: SpooledAnswer,
  { book, delivery, tools }: Attempt,
): Promise<SpooledAnswer> {
  book.answered()
  return fetchLinks(answer, tools, delivery.abandoned)
}

/** Undefined when the row turned out to be over already. */
async function buyAnswer(
  job: RenderJob,
  target: Target,
  attempt: Attempt,
): Promise<Answered | undefined> {
  const { book, delivery, tools } = attempt
  const startedAt = new Date().toISOString()
  const inputs = await loadUnlessStopped(job, attempt)

  const begun = await book.begin({ calling: true })
  switch (begun.kind) {
    case 'go': {
      // Only now is the row ours alone; since the first look another run may have bought it.
      const place = await placeOfOwner(job, target, { ...attempt, begun })
      if (place.record !== undefined) {
        await settle(book, { record: place.record }, tools)
        return undefined
      }
      const { calls, unknownCalls } = begun
      const history = { attempts: delivery.attempt, calls, unknownCalls, startedAt }
      const { abandoned } = delivery
      const call = { job, store: tools.store.url, inputs, history, abandoned }
      const onSending = () => book.sending()
      const onPreview = (count: number) => notePreview(job, count, tools)
      const received = await callIntoSpool({ ...call, onSending, onPreview }, tools)
      return { answer: await completed(received, attempt), place }
    }
    case 'done':
    case 'cancelled':
      return undefined
    case 'paused':
      throw new RunPausedError('the run is paused')
    case 'busy':
      throw new BusyElsewhereError('another run is calling for the same row right now')
    case 'held':
      await book.settleHeld(begun.calls, begun.unknownCalls)
      return undefined
  }
}

/** A partial picture shows that a long call is alive. */
function notePreview(job: RenderJob, count: number, { logger, onPreview }: RenderTools): void {
  const of = job.request.partial_images ?? count
  logger.info({ run: job.run, row: job.id, preview: count, of }, 'partial picture has come')
  onPreview?.()
}

/** Stopping while inputs load costs nothing, whatever the loading then fails with. */
async function loadUnlessStopped(
  job: RenderJob,
  { delivery, tools }: Attempt,
): Promise<LoadedInputs> {
  try {
    const inputs = await loadInputs(job, tools, delivery.stopping)
    delivery.stopping.throwIfAborted()
    return inputs
  } catch (cause) {
    if (!delivery.stopping.aborted) throw cause
    throw new InterruptedError('stopped before sending', { cause })
  }
}

/**
 * The place of the record, with one written since the first look, or one rebuilt when a crash left all pictures
 * but no record.
 */
async function placeOfOwner(
  job: RenderJob,
  { isOurs }: Target,
  attempt: Attempt & { begun: Begun },
): Promise<RecordPlace> {
  const { shelf } = attempt
  const place = await shelf.records.look(job)
  if (place.record !== undefined || !isOurs) return place
  const pictures = await adoptAll(job, shelf)
  if (pictures === undefined) return place
  const rebuilt = recordOf(rebuiltAnswer(job, attempt), { pictures, previews: [] })
  return { ...place, record: await shelf.records.commit(rebuilt, place.replaces) }
}

/** Pictures first, the record last: a row counts as done when its record is there, and not before. */
async function storeAnswer(
  { answer, place }: Answered,
  shelf: PictureShelf,
): Promise<RenderRecord> {
  const { record, replaces } = place ?? (await shelf.records.look(answer.job))
  if (record !== undefined) return record
  try {
    const pictures = await storePictures(answer.job, answer.pictures, shelf)
    const { previews, warnings } = await storePreviews(answer.job, answer.previews, shelf)
    const facts = { ...answer, warnings: [...answer.warnings, ...warnings] }
    return await shelf.records.commit(recordOf(facts, { pictures, previews }), replaces)
  } catch (error) {
    // Another worker of this folder may have taken the row over, stored the answer and removed it from the spool.
    const stored = await shelf.records.look(answer.job).catch(() => undefined)
    if (stored?.record === undefined) throw error
    return stored.record
  }
}

/** What the disk has spoiled can never be stored: the next try must not find it, and buys another. */
async function dropIfSpoiled(
  error: unknown,
  { fingerprint }: RenderJob,
  { spool }: RenderTools,
): Promise<never> {
  if (!(error instanceof FileChangedError)) throw error
  await spool.remove(fingerprint)
  throw new ResponseBrokenError(`the answer came, but its disk has spoiled it: ${error.message}`, {
    cause: error,
  })
}

type AnswerFacts = Omit<
  SpooledAnswer,
  'version' | 'store' | 'pictures' | 'previews' | 'links' | 'answeredAt'
>

function recordOf(
  { job, ...facts }: AnswerFacts,
  { pictures, previews }: Pick<RenderRecord, 'pictures' | 'previews'>,
): RenderRecord {
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
    markup: facts.markup,
    pictures,
    previews,
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
function rebuiltAnswer(
  job: RenderJob,
  { delivery, tools, begun }: Attempt & { begun: Begun },
): AnswerFacts {
  return {
    job,
    usage: null,
    requestId: null,
    resolved: {},
    requestMs: null,
    server: tools.api.baseUrl,
    inputs: [],
    mask: null,
    markup: null,
    startedAt: new Date().toISOString(),
    attempts: delivery.attempt,
    // The call that was just booked is taken back.
    calls: begun.calls - 1,
    unknownCalls: begun.unknownCalls,
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
}

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

/** Its shape, its key, and that the fingerprint is really that of its content. */
function parseJob(payload: unknown): RenderJob {
  const parsed = RenderJob.safeParse(payload)
  if (!parsed.success) throw notAJob(parsed.error.message)
  const problem = checkKey(parsed.data.key)
  if (problem !== undefined) throw notAJob(problem)
  if (fingerprintOf(parsed.data) !== parsed.data.fingerprint) {
    throw notAJob('its fingerprint is not that of its content')
  }
  return parsed.data
}

function notAJob(problem: string): JobInvalidError {
  return new JobInvalidError(`the queue delivered something that is not a job: ${problem}`)
}
