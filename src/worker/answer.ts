/** One paid call: send, receive into the spool, verify what came, and make it durable. */
import {
  messageOf,
  OutcomeUnknownError,
  ResponseBrokenError,
  ResultExpiredError,
} from '../errors.ts'
import type { AnswerFacts, ImagesApi } from '../images-api/contract.ts'
import type { RenderJob } from '../job.ts'
import { inspectPicture } from '../picture.ts'
import type { Downloader } from './download.ts'
import type { LoadedInputs } from './input-pictures.ts'
import type { Draft, Spool, SpooledAnswer, SpooledPicture } from './spool.ts'

export interface CallTools {
  api: ImagesApi
  downloader: Downloader
  spool: Spool
  imageBytesMax: number
}

/** What the record must say about the tries before, carried through the spool. */
export type CallHistory = Pick<SpooledAnswer, 'attempts' | 'calls' | 'unknownCalls' | 'startedAt'>

export interface Call {
  job: RenderJob
  /** Where its pictures will go. */
  store: string
  inputs: LoadedInputs
  history: CallHistory
  /** Aborts the call even though it may be paid. */
  abandoned: AbortSignal
  /** Everything is ready: from here on the request may have left. */
  onSending(): void
}

export async function callIntoSpool(call: Call, tools: CallTools): Promise<SpooledAnswer> {
  const draft = await tools.spool.draft(call.job.fingerprint)
  try {
    call.onSending()
    const received = await receive(call, draft, tools)
    const { pictures, warnings } = await verify(call.job, draft, received)
    const { facts } = received
    return await draft.commit({
      version: 1,
      store: call.store,
      job: call.job,
      pictures,
      usage: facts.usage,
      requestId: facts.requestId,
      resolved: facts.resolved,
      requestMs: facts.requestMs,
      server: tools.api.baseUrl,
      inputs: call.inputs.images.map(({ entry }) => entry),
      mask: call.inputs.mask?.entry ?? null,
      ...call.history,
      warnings: [...facts.warnings, ...warnings],
    })
  } finally {
    await draft.discard()
  }
}

interface Received {
  facts: AnswerFacts
  revisedPrompts: Map<number, string>
  lost: Lost
}

/** By index. */
type Lost = ReadonlyMap<number, ResultExpiredError>

async function receive(call: Call, draft: Draft, tools: CallTools): Promise<Received> {
  const { job, inputs, abandoned } = call
  const revisedPrompts = new Map<number, string>()
  const links: Link[] = []
  const parts = tools.api.send(
    {
      operation: job.operation,
      request: job.request,
      images: inputs.images.map(({ upload }) => upload),
      ...(inputs.mask === undefined ? {} : { mask: inputs.mask.upload }),
    },
    { signal: abandoned, openPicture: (index) => draft.openPicture(index) },
  )
  for await (const part of parts) {
    if (part.kind === 'end') {
      const lost = await downloadAll(links, { call, draft, tools })
      return { facts: part.facts, revisedPrompts, lost }
    }
    if (part.revisedPrompt !== undefined) revisedPrompts.set(part.index, part.revisedPrompt)
    if (part.kind === 'picture-url') links.push(part)
  }
  throw new OutcomeUnknownError('the answer ended without its end')
}

interface Link {
  index: number
  url: string
}

/**
 * One after the other. Gives what became of the pictures that are lost for good; any other failure, above all an
 * abort, is thrown, lest fewer pictures be committed than could be had.
 */
async function downloadAll(
  links: readonly Link[],
  { call, draft, tools }: { call: Call; draft: Draft; tools: CallTools },
): Promise<Lost> {
  const answeredAtMs = performance.now()
  const lost = new Map<number, ResultExpiredError>()
  for (const { index, url } of links) {
    const sink = await draft.openPicture(index)
    try {
      await tools.downloader.download(url, {
        bytesMax: tools.imageBytesMax,
        signal: call.abandoned,
        purpose: 'result',
        answeredAtMs,
        sink: (chunk) => sink.write(chunk),
      })
    } catch (error) {
      if (!(error instanceof ResultExpiredError)) throw error
      lost.set(index, error)
    }
  }
  return lost
}

/**
 * Keeps every picture that is one; says what is odd about it. The others of an answer are paid too, so a loss is
 * a failure only where nothing is left.
 */
async function verify(
  job: RenderJob,
  draft: Draft,
  { revisedPrompts, lost }: Received,
): Promise<{ pictures: SpooledPicture[]; warnings: string[] }> {
  const pictures: SpooledPicture[] = []
  const warnings: string[] = []
  let firstProblem: unknown
  for (const { index, path, byteCount, sha256 } of await draft.closePictures()) {
    try {
      const loss = lost.get(index)
      if (loss !== undefined) throw loss
      const { mediaType, extension, width, height } = await inspectPicture({ file: path })
      const revisedPrompt = revisedPrompts.get(index)
      const picture = { index, file: path, byteCount, sha256, mediaType, extension, width, height }
      pictures.push(revisedPrompt === undefined ? picture : { ...picture, revisedPrompt })
      warnings.push(...oddities(job, picture))
    } catch (error) {
      firstProblem ??= error
      const fate = lost.has(index) ? 'lost' : 'unusable'
      warnings.push(`picture ${index + 1} is ${fate}: ${messageOf(error)}`)
    }
  }
  if (pictures.length > 0) return { pictures, warnings }
  if (firstProblem instanceof ResultExpiredError) throw firstProblem
  throw new ResponseBrokenError(
    `the answer holds no usable picture: ${messageOf(firstProblem ?? 'none came')}`,
    { cause: firstProblem },
  )
}

function oddities({ request }: RenderJob, picture: SpooledPicture): string[] {
  const format = request.output_format
  const size = `${picture.width}x${picture.height}`
  const asked = /^\d+x\d+$/.test(request.size ?? '') ? request.size : undefined
  const extension = format === 'jpeg' ? 'jpg' : format
  return [
    ...(extension !== undefined && extension !== picture.extension
      ? [`picture ${picture.index + 1} is ${picture.extension}, asked was ${format}`]
      : []),
    ...(asked !== undefined && asked !== size
      ? [`picture ${picture.index + 1} is ${size}, asked was ${asked}`]
      : []),
  ]
}
