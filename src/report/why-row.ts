/** Why a row was rendered or reused, in sentences, from its result, its record and the version it replaced. */
import { isFetched, type InputPicture, type RenderJob } from '../job.ts'
import { reasonOf } from '../reason.ts'
import type { RenderRecord, ReplacedVersion, SupersededRecord } from '../record.ts'
import type { Store } from '../storage/store.ts'
import { whatHelps } from '../what-helps.ts'
import { changesBetween, inputName, type Change } from './row-changes.ts'
import { readRecord } from '../storage/stored-record.ts'
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

function notEnded({ planned: { job }, run, record }: RowDetails): string[] {
  const isDone = record !== undefined && (job.force !== true || record.run === run)
  if (!isDone) return ['no outcome yet: the row is waiting, or being rendered right now']
  const isOpen = job.checkInputs === true && record.run !== run
  const unless = isOpen ? ' unless its input pictures have changed' : ''
  return [
    `no outcome yet, and it needs no call${unless}: its pictures are there, ${madeBy(record)}`,
  ]
}

function whyReused({ planned, record, superseded, since }: RowDetails): Why {
  const { job } = planned
  if (record === undefined) {
    const reused = 'reused: a record of the very same request was there'
    const later = laterThan({ superseded, since })
    if (later !== undefined) return plainly([reused, later])
    return plainly([`${reused}; it has been removed since`])
  }
  if (record.fingerprint === job.fingerprint) {
    return plainly([`reused: its pictures are there, ${madeBy(record)}`, ...unchangedSince(job)])
  }
  return {
    sentences: [
      `reused: --existing keep preserves the older version of the row, ${madeBy(record)}`,
    ],
    changes: changesBetween(record, versionOf(job)),
  }
}

/** What was compared, and what could not be. */
function unchangedSince(job: RenderJob): string[] {
  const fetched = namesOf(job, isFetched)
  const unseen = namesOf(job, ({ kind }) => kind === 'image-url')
  if (fetched === '' && unseen === '') {
    return [
      'nothing that decides them has changed since: id, operation, request and input pictures are the same',
    ]
  }
  return [
    'id, operation and request are the same',
    ...(fetched === ''
      ? []
      : job.checkInputs === true
        ? [`${fetched}: the bytes behind the URL are the same, they were looked at`]
        : [`${fetched}: the URL is the same; its bytes were not looked at (--check-inputs does)`]),
    ...(unseen === '' ? [] : [`${unseen}: the URL is the same; only the API sees its bytes`]),
  ]
}

/** `input picture 1, mask` */
function namesOf(job: RenderJob, isMeant: (input: InputPicture) => boolean): string {
  const { images, mask, markup } = job
  return [
    ...images.map((input, index) => ({ what: inputName(index), input })),
    { what: 'mask', input: mask },
    { what: 'markup', input: markup },
  ]
    .flatMap(({ what, input }) => (input !== undefined && isMeant(input) ? [what] : []))
    .join(', ')
}

async function whyRendered(details: RowDetails, store: Store): Promise<Why> {
  const { planned, record, result } = details
  const later = [laterThan(details)].filter((sentence) => sentence !== undefined)
  const known = record === undefined ? undefined : reasonOf(planned.job, record)
  const first = 'rendered: there was no record of this request'
  switch (result?.reason ?? known) {
    case 'forced':
      return {
        sentences: [
          'rendered: --force asked for it, whether its record was there or not',
          ...later,
        ],
        changes: inputChanges(record),
      }
    case 'input-changed':
      return whyInputChanged(record, later)
    case 'record-missing':
      return plainly([
        'not called: its pictures were there, and only their record was missing',
        ...later,
      ])
    case 'new':
      return plainly([`${first}, and nothing was stored at its place: the row was new`, ...later])
    case 'changed':
      if (record !== undefined) return whyChanged(record, first, store)
      return plainly([`${first}; it replaced an older version of the row`, ...later])
    case 'unchanged':
    case 'kept':
    case undefined:
      return plainly([first, ...later])
  }
}

function whyInputChanged(record: RenderRecord | undefined, later: string[]): Why {
  const changes = inputChanges(record)
  const since =
    record?.previous === undefined
      ? ''
      : ` since ${record.previous.run} rendered it on ${day(record.previous.at)}`
  return {
    sentences: [
      `rendered again: --check-inputs found other input pictures${since}`,
      ...changes.map(({ what, was }) =>
        was === null
          ? `${what}: its record does not say of which bytes it was made`
          : `${what} changed: its bytes are others behind the same URL`,
      ),
      ...later,
    ],
    changes,
  }
}

/** Against the record of the very same request that stood there before. */
function inputChanges(record: RenderRecord | undefined): Change[] {
  if (record?.previous === undefined) return []
  return changesBetween({ ...record, ...record.previous }, record)
}

async function whyChanged(record: RenderRecord, first: string, store: Store): Promise<Why> {
  const replaced = record.pictures.find((picture) => picture.replaced !== undefined)?.replaced
  const before = replaced === undefined ? undefined : await versionAt(replaced, store)
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

function whyNoPictures({ outcome, result, since }: RowDetails): string[] {
  const code = result?.errorCode ?? 'bug'
  const what = outcome === 'held' ? 'not called again' : `not rendered, ${outcome}`
  const later = laterThan({ since })
  const sentence = `${what}: ${code}: ${result?.error ?? ''}`
  return later === undefined ? [sentence, whatHelps(code)] : [sentence, later]
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

/** What has become of it after this run. */
function laterThan({
  superseded,
  since,
}: {
  superseded?: SupersededRecord | undefined
  since?: RenderRecord | undefined
}): string | undefined {
  if (since !== undefined) return `since then it was ${madeBy(since)}`
  if (superseded === undefined) return undefined
  return `since then, on ${day(superseded.at)}, a newer version of the row replaced it`
}

/** To the minute, in UTC. */
const day = (at: string) => `${at.slice(0, 16).replace('T', ' ')} UTC`
