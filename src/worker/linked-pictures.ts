/**
 * Downloads the results that an answer only names. The answer is in the spool by then, so a crash, an outage or
 * a stop costs no second call: the next try on this machine goes on with the same URLs for as long as they live.
 */
import {
  BusyElsewhereError,
  messageOf,
  ResultExpiredError,
  ResultUnavailableError,
} from '../errors.ts'
import type { CallTools } from './answer.ts'
import { inspectSpooled, oddities } from './spooled-pictures.ts'
import type { PictureLink, SpooledAnswer } from './spooled-answer.ts'

/** The documented lifetime of a result's URL. */
const URL_LIFETIME_MS = 60 * 60_000

type LinkTools = Pick<CallTools, 'downloader' | 'spool' | 'imageBytesMax'>

/**
 * The answer with all its pictures; each is kept as soon as it has come, so a later try fetches only the others.
 * Throws ResultExpiredError when none is left to be had, and what else keeps one from being had now.
 */
export async function fetchLinks(
  answer: SpooledAnswer,
  tools: LinkTools,
  signal: AbortSignal,
): Promise<SpooledAnswer> {
  const budget = { beganAtMs: performance.now(), signal }
  let current = answer
  let failure: { error: unknown } | undefined
  for (const link of answer.links) {
    try {
      current = await fetchLink(link, current, { ...tools, ...budget })
    } catch (error) {
      if (isMissing(error)) throw takenOver(error)
      // The others are not to wait for this one: their hour runs too.
      failure ??= { error }
    }
  }
  if (failure !== undefined) throw failure.error
  if (current.pictures.length > 0) return current
  return giveUp(current, tools)
}

/** Another process of this machine may have gone on with the same answer meanwhile. */
async function giveUp(answer: SpooledAnswer, { spool }: LinkTools): Promise<SpooledAnswer> {
  const { fingerprint } = answer.job
  const standing = await spool.find(fingerprint, answer.store)
  if (standing === undefined) throw takenOver()
  if (standing.pictures.length > 0 && standing.links.length === 0) return standing
  // A later try by hand must pay again, and not find these dead URLs.
  await spool.remove(fingerprint)
  throw new ResultExpiredError(answer.warnings.at(-1) ?? 'the result was paid, but nothing came')
}

const takenOver = (cause?: unknown): BusyElsewhereError =>
  new BusyElsewhereError('another worker of this machine has taken the answer over', { cause })

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** Commits the answer with this picture, or with the reason why it is lost. */
async function fetchLink(
  link: PictureLink,
  answer: SpooledAnswer,
  tools: LinkTools & { beganAtMs: number; signal: AbortSignal },
): Promise<SpooledAnswer> {
  const { downloader, imageBytesMax, beganAtMs, signal } = tools
  const links = answer.links.filter(({ index }) => index !== link.index)
  const draft = await tools.spool.reopen(answer.job.fingerprint)
  const lost = async (why: string) => {
    const warnings = [...answer.warnings, `picture ${link.index + 1} is lost: ${why}`]
    const rest = { ...answer, links, warnings }
    // A commit keeps what was received; of this there is nothing to keep.
    await draft.discard()
    // An answer without anything is none to find again.
    return links.length + answer.pictures.length === 0 ? rest : draft.commit(rest)
  }
  try {
    const sink = await draft.openPicture(link.index)
    await downloader.download(link.url, {
      bytesMax: imageBytesMax,
      signal,
      purpose: 'result',
      answeredAtMs: beganAtMs,
      sink: (chunk) => sink.write(chunk),
    })
    const [file] = await draft.closePictures()
    const { picture, problem } = await inspectSpooled(file, link.index)
    if (picture === undefined)
      return await lost(`what its URL gives is no picture: ${messageOf(problem)}`)
    const { revisedPrompt } = link
    const found = revisedPrompt === undefined ? picture : { ...picture, revisedPrompt }
    const pictures = [...answer.pictures, found].toSorted((a, b) => a.index - b.index)
    const warnings = [...answer.warnings, ...oddities(answer.job, found)]
    return await draft.commit({ ...answer, pictures, links, warnings })
  } catch (error) {
    const loss = lossAfter(error, answer.answeredAt)
    if (loss === undefined) throw error
    return await lost(loss)
  } finally {
    await draft.discard()
  }
}

/** What fails now may work later, but not for ever: says the loss, or undefined where it is none yet. */
function lossAfter(error: unknown, answeredAt: string | undefined): string | undefined {
  if (error instanceof ResultExpiredError) return error.message
  const isDead = Date.now() - Date.parse(answeredAt ?? '') > URL_LIFETIME_MS
  if (!(error instanceof ResultUnavailableError) || !isDead) return undefined
  return `${error.message}; its hour is over`
}
