/** One paid call: send, receive into the spool, verify what came, and make it durable. */
import { messageOf, OutcomeUnknownError, ResponseBrokenError } from '../errors.ts'
import type { AnswerFacts, ImagesApi } from '../images-api/contract.ts'
import type { RenderJob } from '../job.ts'
import { inspectPicture } from '../picture.ts'
import type { Downloader } from './download.ts'
import type { LoadedInputs } from './input-pictures.ts'
import type { Draft, PictureFile, Spool, SpooledAnswer, SpooledPicture } from './spool.ts'

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
  inputs: LoadedInputs
  history: CallHistory
  /** Aborts the call even though it may be paid. */
  abandoned: AbortSignal
}

export async function callIntoSpool(call: Call, tools: CallTools): Promise<SpooledAnswer> {
  const draft = await tools.spool.draft(call.job.fingerprint)
  try {
    const received = await receive(call, draft, tools)
    const { pictures, warnings } = await verify(call.job, draft, received)
    const { facts } = received
    return await draft.commit({
      version: 1,
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
      warnings: [...facts.warnings, ...received.warnings, ...warnings],
    })
  } finally {
    await draft.discard()
  }
}

interface Received {
  facts: AnswerFacts
  revisedPrompts: Map<number, string>
  warnings: string[]
}

async function receive(call: Call, draft: Draft, tools: CallTools): Promise<Received> {
  const { job, inputs, abandoned } = call
  const revisedPrompts = new Map<number, string>()
  const warnings: string[] = []
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
    if (part.kind === 'end') return { facts: part.facts, revisedPrompts, warnings }
    if (part.revisedPrompt !== undefined) revisedPrompts.set(part.index, part.revisedPrompt)
    if (part.kind === 'picture-url') {
      const lost = await download(part.url, await draft.openPicture(part.index), { call, tools })
      if (lost === undefined) continue
      // The others of this answer are paid too; only an answer without any picture is a failure.
      if (job.request.n === 1) throw lost
      warnings.push(`picture ${part.index + 1} is lost: ${messageOf(lost)}`)
    }
  }
  throw new OutcomeUnknownError('the answer ended without its end')
}

async function download(
  url: string,
  sink: PictureFile,
  { call, tools }: { call: Call; tools: CallTools },
): Promise<unknown> {
  try {
    await tools.downloader.download(url, {
      bytesMax: tools.imageBytesMax,
      signal: call.abandoned,
      purpose: 'result',
      sink: (chunk) => sink.write(chunk),
    })
    return undefined
  } catch (error) {
    return error
  }
}

/** Keeps every picture that is one; says what is odd about it. An answer without any is broken. */
async function verify(
  job: RenderJob,
  draft: Draft,
  { revisedPrompts }: Received,
): Promise<{ pictures: SpooledPicture[]; warnings: string[] }> {
  const pictures: SpooledPicture[] = []
  const warnings: string[] = []
  let firstProblem: unknown
  for (const { index, path, byteCount, sha256 } of await draft.closePictures()) {
    try {
      const { mediaType, extension, width, height } = await inspectPicture({ file: path })
      const revisedPrompt = revisedPrompts.get(index)
      const picture = { index, file: path, byteCount, sha256, mediaType, extension, width, height }
      pictures.push(revisedPrompt === undefined ? picture : { ...picture, revisedPrompt })
      warnings.push(...oddities(job, picture))
    } catch (error) {
      firstProblem ??= error
      warnings.push(`picture ${index + 1} is unusable: ${messageOf(error)}`)
    }
  }
  if (pictures.length > 0) return { pictures, warnings }
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
