/** Why a row was rendered or reused, in sentences, from its result, its record and the version it replaced. */
import type { RenderJob } from '../job.ts'
import type { ReplacedVersion, RenderRecord } from '../record.ts'
import type { Store } from '../storage/store.ts'
import { whatHelps } from '../what-helps.ts'
import { changesBetween, type Change } from './row-changes.ts'
import { readRecord } from './row-record.ts'
import type { RowDetails } from './show-row.ts'

export interface Why {
  sentences: string[]
  /** Against the version that lay at its place before. */
  changes: Change[]
}

export async function whyRow(details: RowDetails, store: Store): Promise<Why> {
  switch (details.outcome) {
    case null:
      return plainly(notEnded(details))
    case 'reused':
      return whyReused(details)
    case 'succeeded':
      return whyRendered(details, store)
    case 'failed':
    case 'refused':
    case 'held':
      return plainly(whyNoPictures(details))
    case 'cancelled':
      return plainly(['not rendered: the run was cancelled before the row was sent'])
  }
}

const plainly = (sentences: string[]): Why => ({ sentences, changes: [] })

function notEnded({ record }: RowDetails): string[] {
  return record === undefined
    ? ['no outcome yet: the row is waiting, or being rendered right now']
    : [`no outcome yet, and it needs no call: its pictures are there, ${madeBy(record)}`]
}

function whyReused({ planned, record, superseded }: RowDetails): Why {
  const { job } = planned
  if (record === undefined) {
    const gone =
      superseded === undefined
        ? 'that record has been removed since'
        : `on ${day(superseded.at)} a newer version of the row replaced those pictures`
    return plainly([`reused: a record of the very same request was there; ${gone}`])
  }
  if (record.fingerprint === job.fingerprint) {
    return plainly([
      `reused: its pictures are there, ${madeBy(record)}`,
      'nothing that decides them has changed since: id, operation, request and input pictures are the same',
    ])
  }
  return {
    sentences: [
      `reused: --existing keep preserves the older version of the row, ${madeBy(record)}`,
    ],
    changes: changesBetween(record, versionOf(job)),
  }
}

async function whyRendered(details: RowDetails, store: Store): Promise<Why> {
  const { planned, record, superseded } = details
  const { job } = planned
  const since = superseded === undefined ? [] : [supersededSince(superseded.at)]
  if (job.force === true) {
    return plainly([
      'rendered: --force asked for it, whether its record was there or not',
      ...since,
    ])
  }
  const first = 'rendered: there was no record of this request'
  if (record === undefined) return plainly([first, ...since])
  const replaced = record.pictures.find((picture) => picture.replaced !== undefined)?.replaced
  if (replaced === undefined) {
    return plainly([`${first}, and nothing was stored at its place: the row was new`, ...since])
  }
  const before = await versionAt(replaced, store)
  if (before === undefined) {
    return plainly([`${first}; it replaced an older version, of which nothing is known any more`])
  }
  const changes = changesBetween(before, record)
  return {
    sentences: [
      `${first}; it replaced the version that ${before.run} had rendered on ${day(before.at)}`,
      ...(changes.length === 0
        ? [
            'what differed is not in the records: an input picture, or how a model reads the request',
          ]
        : []),
    ],
    changes,
  }
}

/** The replaced version may have come back since: then its record is a full one again. */
async function versionAt(fingerprint: string, store: Store): Promise<ReplacedVersion | undefined> {
  const found = await readRecord(fingerprint, store)
  if (found === undefined) return undefined
  return 'supersededBy' in found ? found.was : { ...found, at: found.timings.finishedAt }
}

function whyNoPictures({ outcome, result }: RowDetails): string[] {
  const code = result?.errorCode ?? 'bug'
  const what = outcome === 'held' ? 'not called again' : `not rendered, ${outcome}`
  return [`${what}: ${code}: ${result?.error ?? ''}`, whatHelps(code)]
}

/** As far as a job tells: its pictures from the web have no digest before they are fetched. */
function versionOf({ operation, request, images, mask, markup }: RenderJob) {
  return {
    operation,
    request,
    inputs: images.map(entryOf),
    mask: mask === undefined ? null : entryOf(mask),
    markup: markup === undefined ? null : entryOf(markup),
  }
}

function entryOf(input: RenderJob['images'][number]) {
  const unseen = { sha256: null, byteCount: null, mediaType: null }
  switch (input.kind) {
    case 'stored': {
      const { key, sha256, byteCount, mediaType } = input
      return { source: key, sha256, byteCount, mediaType }
    }
    case 'file':
      return { source: input.fileId, ...unseen }
    case 'url':
    case 's3':
    case 'image-url':
      return { source: input.url, ...unseen }
  }
}

function madeBy({ run, timings, server, requestId }: RenderRecord): string {
  const request = requestId === null ? '' : ` (request ${requestId})`
  return `rendered by ${run} on ${day(timings.finishedAt)} at ${server}${request}`
}

const supersededSince = (at: string) => `since then, on ${day(at)}, a newer version replaced it`

/** To the minute, in UTC. */
const day = (at: string) => `${at.slice(0, 16).replace('T', ' ')} UTC`
