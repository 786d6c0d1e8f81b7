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
  ResponseBrokenError,
  ResultRefusedError,
  RunPausedError,
  StorageUnavailableError,
} from '../errors.ts'
import { costUsdOf } from '../images-api/prices.ts'
import { fingerprintOf, RenderJob } from '../job.ts'
import type { Ledger } from '../queue/ledger.ts'
import type { Delivery } from '../queue/queue.ts'
import type { Logger } from '../logger.ts'
import type { RenderRecord } from '../record.ts'
import { checkKey } from '../storage/keys.ts'
import { callIntoSpool, type CallTools } from './answer.ts'
import { closeAttempt } from './close-attempt.ts'
import type { InputCache } from './input-cache.ts'
import { rebuiltAnswer, recordOf, type Begun } from './record-of.ts'
import type { RecordPlace, UsedInputs } from './records.ts'
import { loadInputs, usedInputs, type LoadedInputs } from './input-pictures.ts'
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
  const enteredAt = await admit(job, tools)
  const startedAt = Date.now()
  const book = rowBook(job, { ledger: tools.ledger, delivery, startedAt })
  const attempt = { book, delivery, tools, shelf: { ...tools, enteredAt } }
  try {
    await render(job, attempt)
  } catch (error) {
    await closeAttempt(error, { job, ...attempt })
    throw error
  }
}

interface Attempt {
  book: RowBook
  delivery: Delivery
  tools: RenderTools
  shelf: PictureShelf
}

/**
 * Several runs may share a queue, but each row goes where its own run stores. A row of a paused run comes back every
 * few seconds, so nothing is looked up for it unless its answer waits to be stored. Returns when its run was entered.
 */
async function admit(
  { run, fingerprint }: RenderJob,
  { ledger, store, spool }: RenderTools,
): Promise<number> {
  const books = await ledger.books(run)
  if (books === undefined) return 0
  if (books.store !== store.url) {
    throw new OtherStoreError(
      `${run} stores into ${books.store}, this worker into ${store.url}: give all workers of a queue one store`,
    )
  }
  if (books.state === 'paused' && (await spool.find(fingerprint, store.url)) === undefined) {
    throw new RunPausedError('the run is paused')
  }
  return books.enteredAt
}

async function render(job: RenderJob, attempt: Attempt): Promise<void> {
  const { book, delivery, tools, shelf } = attempt
  const standing = await shelf.records.look(job, () => inputsNow(job, attempt))
  if (standing.record !== undefined) {
    await settle(book, { record: standing.record }, tools)
    // An answer that somebody else stored, or that was stored just before a worker died.
    return tools.spool.remove(job.fingerprint)
  }
  const target = await lookAtTarget(job, shelf)
  if (target.kept !== undefined) return settle(book, { record: target.kept }, tools)

  const answered =
    (await answerInSpool(job, standing, attempt)) ?? (await buyAnswer(job, target, attempt))
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

/** Those of an answer of this run that waits to be stored, or as they are now. */
async function inputsNow(job: RenderJob, attempt: Attempt): Promise<UsedInputs> {
  const { spool, store } = attempt.tools
  const spooled = await spool.find(job.fingerprint, store.url)
  return spooled?.job.run === job.run ? spooled : usedInputs(await loadUnlessStopped(job, attempt))
}

/** An earlier try received it and did not get to store it: nothing is paid again. */
async function answerInSpool(
  job: RenderJob,
  { previous }: RecordPlace,
  attempt: Attempt,
): Promise<Answered | undefined> {
  const { book, tools } = attempt
  const spooled = await tools.spool.find(job.fingerprint, tools.store.url)
  if (spooled === undefined) return undefined
  // What an earlier run left behind is no newer than its record, which is not to be reused.
  if (previous !== undefined && spooled.job.run !== job.run) return undefined
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
      const place = await placeOfOwner(job, target, { ...attempt, begun, inputs })
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
      throw new RunPausedError('nothing may be called for the row now')
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
  attempt: Attempt & { begun: Begun; inputs: LoadedInputs },
): Promise<RecordPlace> {
  const { shelf, inputs, begun, delivery, tools } = attempt
  const place = await shelf.records.look(job, () => usedInputs(inputs))
  if (place.record !== undefined || !isOurs) return place
  const pictures = await adoptAll(replacing(job, place), shelf)
  if (pictures === undefined) return place
  const known = { server: tools.api.baseUrl, attempt: delivery.attempt, begun }
  const rebuilt = recordOf(rebuiltAnswer(job, known), { ...place, pictures, previews: [] })
  return { ...place, record: await shelf.records.commit(rebuilt, place.replaces) }
}

/** Where the record is not to be reused, the pictures are not either. */
function replacing(job: RenderJob, { previous }: RecordPlace): RenderJob {
  return previous === undefined ? job : { ...job, force: true }
}

/** Pictures first, the record last: a row counts as done when its record is there, and not before. */
async function storeAnswer(answered: Answered, shelf: PictureShelf): Promise<RenderRecord> {
  const { answer } = answered
  const look = () => shelf.records.look(answer.job, () => answer)
  const place = answered.place ?? (await look())
  if (place.record !== undefined) return place.record
  const job = replacing(answer.job, place)
  try {
    const pictures = await storePictures(job, answer.pictures, shelf)
    const { previews, warnings } = await storePreviews(job, answer.previews, shelf)
    const facts = { ...answer, warnings: [...answer.warnings, ...warnings] }
    const record = recordOf(facts, { ...place, pictures, previews })
    return await shelf.records.commit(record, place.replaces)
  } catch (error) {
    // Another worker of this folder may have taken the row over, stored the answer and removed it from the spool.
    const stored = await look().catch(() => undefined)
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
