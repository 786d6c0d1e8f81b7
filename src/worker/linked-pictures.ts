/**
 * Downloads the results that an answer only names. The answer is in the spool by then, so a crash, an outage or
 * a stop costs no second call: the next try on this machine goes on with the same URLs for as long as they live.
 */
import { ResultExpiredError, ResultUnavailableError } from '../errors.ts'
import type { CallTools } from './answer.ts'
import { inspectSpooled, oddities, type Verdict } from './spooled-pictures.ts'
import type { Draft, PictureFile, PictureLink, SpooledAnswer } from './spool.ts'

/** The documented lifetime of a result's URL. */
const URL_LIFETIME_MS = 60 * 60_000

/**
 * The answer with all its pictures. Throws ResultExpiredError when none is left to be had, and
 * ResultUnavailableError while a later try may still get one.
 */
export async function fetchLinks(
  answer: SpooledAnswer,
  tools: Pick<CallTools, 'downloader' | 'spool' | 'imageBytesMax'>,
  signal: AbortSignal,
): Promise<SpooledAnswer> {
  if (answer.links.length === 0) return answer
  const draft = await tools.spool.reopen(answer.job.fingerprint)
  try {
    const lost = await downloadAll(answer, draft, { ...tools, signal })
    const files = await draft.closePictures()
    const verdicts = await Promise.all(
      answer.links.map((link) => verdictOf(link, files, lost.get(link.index))),
    )
    const fetched = verdicts.flatMap(({ picture }) => picture ?? [])
    const pictures = [...answer.pictures, ...fetched].toSorted((a, b) => a.index - b.index)
    if (pictures.length === 0) {
      // A later try by hand must pay again, and not find these dead URLs.
      await tools.spool.remove(answer.job.fingerprint)
      throw lossOf(verdicts)
    }
    const warnings = [
      ...answer.warnings,
      ...verdicts.flatMap(({ problem }) => problem?.message ?? []),
      ...fetched.flatMap((picture) => oddities(answer.job, picture)),
    ]
    return await draft.commit({ ...answer, pictures, links: [], warnings })
  } finally {
    await draft.discard()
  }
}

function lossOf(verdicts: readonly Verdict[]): Error {
  const problems = verdicts.flatMap(({ problem }) => problem ?? [])
  const expired = problems.find(({ cause }) => cause instanceof ResultExpiredError)
  if (expired !== undefined) return expired.cause as ResultExpiredError
  const [first] = problems
  return new ResultExpiredError(
    `the result was paid, but what its URL gives is no picture: ${first?.message ?? 'nothing came'}`,
    { cause: first },
  )
}

type Lost = ReadonlyMap<number, ResultExpiredError>

/**
 * One after the other. Gives what became of the pictures that are lost for good; any other failure, above all an
 * abort, is thrown, lest fewer pictures be committed than could be had.
 */
async function downloadAll(
  { links, answeredAt }: SpooledAnswer,
  draft: Draft,
  tools: Pick<CallTools, 'downloader' | 'imageBytesMax'> & { signal: AbortSignal },
): Promise<Lost> {
  const { downloader, imageBytesMax, signal } = tools
  const beganAtMs = performance.now()
  const lost = new Map<number, ResultExpiredError>()
  for (const { index, url } of links) {
    const sink = await draft.openPicture(index)
    try {
      await downloader.download(url, {
        bytesMax: imageBytesMax,
        signal,
        purpose: 'result',
        answeredAtMs: beganAtMs,
        sink: (chunk) => sink.write(chunk),
      })
    } catch (error) {
      lost.set(index, lossAfter(error, answeredAt))
    }
  }
  return lost
}

/** What fails now may work later, but not for ever: gives the loss, or throws what is none yet. */
function lossAfter(error: unknown, answeredAt: string | undefined): ResultExpiredError {
  if (error instanceof ResultExpiredError) return error
  const isDead = Date.now() - Date.parse(answeredAt ?? '') > URL_LIFETIME_MS
  if (!(error instanceof ResultUnavailableError) || !isDead) throw error
  return new ResultExpiredError(`${error.message}; its hour is over`, { cause: error })
}

async function verdictOf(
  { index, revisedPrompt }: PictureLink,
  files: readonly PictureFile[],
  loss: ResultExpiredError | undefined,
): Promise<Verdict> {
  if (loss !== undefined) {
    return { problem: new Error(`picture ${index + 1} is lost: ${loss.message}`, { cause: loss }) }
  }
  const { picture, problem } = await inspectSpooled(
    files.find(({ slot }) => slot === index),
    index,
  )
  if (picture === undefined) return { problem: problem ?? new Error('no picture') }
  return { picture: revisedPrompt === undefined ? picture : { ...picture, revisedPrompt } }
}
