/** One paid call: send, receive into the spool, verify what came, and make it durable. */
import { messageOf, OutcomeUnknownError, ResponseBrokenError } from '../errors.ts'
import type { AnswerFacts, ImagesApi } from '../images-api/contract.ts'
import type { RenderJob } from '../job.ts'
import type { Downloader } from './download.ts'
import { usedInputs, type LoadedInputs } from './input-pictures.ts'
import { inspectSpooled, oddities, type Verdict } from './spooled-pictures.ts'
import type { Draft, PictureFile } from './spool-draft.ts'
import type { Spool } from './spool.ts'
import type { PictureLink, SpooledAnswer } from './spooled-answer.ts'

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
  /** A partial picture of a stream has come; `count` so far. */
  onPreview?(count: number): void
}

/** The answer may still have links: what it only names is downloaded by `fetchLinks`. */
export async function callIntoSpool(call: Call, tools: CallTools): Promise<SpooledAnswer> {
  const { job, inputs } = call
  const draft = await tools.spool.draft(job.fingerprint)
  try {
    call.onSending()
    const received = await receive(call, draft, tools)
    const { facts, links } = received
    const { pictures, previews, warnings } = await verify(job, draft, received)
    return await draft.commit({
      version: 1,
      store: call.store,
      job,
      pictures,
      previews,
      links,
      answeredAt: new Date().toISOString(),
      usage: facts.usage,
      requestId: facts.requestId,
      resolved: facts.resolved,
      requestMs: facts.requestMs,
      server: tools.api.baseUrl,
      ...usedInputs(inputs),
      ...call.history,
      warnings: [...facts.warnings, ...warnings],
    })
  } finally {
    await draft.discard()
  }
}

interface Received {
  facts: AnswerFacts
  results: Result[]
  links: PictureLink[]
  /** Slots of the partial pictures, in the order they came. */
  previewSlots: number[]
}

interface Result {
  index: number
  slot: number
  revisedPrompt?: string
}

async function receive(call: Call, draft: Draft, { api }: CallTools): Promise<Received> {
  const { job, inputs, abandoned } = call
  const results: Result[] = []
  const links: PictureLink[] = []
  const previewSlots: number[] = []
  const parts = api.send(
    {
      operation: job.operation,
      request: job.request,
      images: inputs.images.map(({ picture }) => picture),
      ...(inputs.mask === undefined ? {} : { mask: inputs.mask.picture }),
      ...(inputs.markup === undefined ? {} : { markup: inputs.markup.picture }),
    },
    { signal: abandoned, openPicture: (slot) => draft.openPicture(slot) },
  )
  for await (const part of parts) {
    switch (part.kind) {
      case 'preview':
        previewSlots.push(part.slot)
        call.onPreview?.(previewSlots.length)
        break
      case 'picture':
        results.push(part)
        break
      case 'picture-url': {
        const { kind: _, ...link } = part
        links.push(link)
        break
      }
      case 'end':
        return { facts: part.facts, results, links, previewSlots }
    }
  }
  throw new OutcomeUnknownError('the answer ended without its end')
}

/**
 * Keeps every picture that is one; says what is odd about it. The others of an answer are paid too, so a bad one
 * is a failure only where nothing is left.
 */
async function verify(
  job: RenderJob,
  draft: Draft,
  { results, links, previewSlots }: Received,
): Promise<Pick<SpooledAnswer, 'pictures' | 'previews' | 'warnings'>> {
  const files = new Map((await draft.closePictures()).map((file) => [file.slot, file]))
  const inspected = await Promise.all(results.map((result) => inspectResult(result, files)))
  const pictures = inspected.flatMap(({ picture }) => picture ?? [])
  const warnings = inspected.flatMap(({ picture, problem }) =>
    picture === undefined ? [messageOf(problem)] : oddities(job, picture),
  )
  if (pictures.length === 0 && links.length === 0) {
    const cause = inspected[0]?.problem
    throw new ResponseBrokenError(
      `the answer holds no usable picture: ${messageOf(cause ?? 'none came')}`,
      { cause },
    )
  }
  const previews = job.keepPartials === true ? await keptPreviews(previewSlots, files) : []
  return { pictures, previews, warnings }
}

type Files = ReadonlyMap<number, PictureFile>

async function inspectResult(
  { index, slot, revisedPrompt }: Result,
  files: Files,
): Promise<Verdict> {
  const verdict = await inspectSpooled(files.get(slot), index)
  if (verdict.picture === undefined || revisedPrompt === undefined) return verdict
  return { picture: { ...verdict.picture, revisedPrompt } }
}

/** A preview that is no picture is nobody's loss. */
async function keptPreviews(slots: readonly number[], files: Files) {
  const verdicts = await Promise.all(
    slots.map((slot, index) => inspectSpooled(files.get(slot), index)),
  )
  return verdicts.flatMap(({ picture }) => picture ?? [])
}
