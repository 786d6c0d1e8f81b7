/**
 * A good answer as a stream of events: for each picture those on the way to it, and then itself. The API
 * does not say in which order the pictures of one call come; here they come one after the other.
 */
import { identity, resolvedValues } from './answer-body.ts'
import type { BodyPart } from './body-parts.ts'
import { EventWriter, type Framing } from './event-framing.ts'
import type { StreamFault } from './fault-kinds.ts'
import type { MadePicture } from './make-pictures.ts'
import type { CheckedCall } from './rules.ts'
import { usageShares } from './usage.ts'

export interface StreamContent {
  /** For each of the `n`, those on the way to it. */
  previews: readonly (readonly MadePicture[])[]
  pictures: readonly MadePicture[]
}

interface StreamTiming {
  fault: StreamFault | undefined
  /** Spread over the events. */
  latencyMs: number
}

const PLAIN: Framing = {
  lineEnd: 'lf',
  byteOrderMark: false,
  comments: false,
  space: true,
  eventLines: true,
  splitData: false,
  keyOrder: 'documented',
  done: false,
}

interface StreamEvent {
  fields: Record<string, unknown>
  picture: MadePicture
}

export function streamBody(
  call: CheckedCall,
  content: StreamContent,
  { fault, latencyMs }: StreamTiming,
): BodyPart[] {
  const events = eventsOf(call, content)
  const pause: BodyPart = { pauseMs: latencyMs / Math.max(1, events.length) }
  const writer = new EventWriter(fault?.kind === 'stream_framing' ? fault : PLAIN)
  const kept = fault?.kind === 'stream_error' ? beforeError(events, fault.afterPartials) : events
  return [
    ...writer.start(),
    ...(fault?.kind === 'stream_heartbeats' ? heartbeats(writer, fault) : []),
    ...kept.flatMap(({ fields, picture }) => [pause, ...writer.event(fields, picture)]),
    ...(fault?.kind === 'stream_error' ? [pause, ...errorEvent(writer, fault)] : writer.end()),
  ]
}

function eventsOf(call: CheckedCall, { previews, pictures }: StreamContent): StreamEvent[] {
  const shares = usageShares(call)
  return previews.flatMap((early, index) => {
    const partials = early.map((picture, partialIndex) => ({
      fields: eventFields(call, 'partial_image', { partial_image_index: partialIndex }),
      picture,
    }))
    const picture = pictures[index]
    if (picture === undefined) return partials
    const usage = { usage: shares[index], ...identity(call) }
    return [...partials, { fields: eventFields(call, 'completed', usage), picture }]
  })
}

function eventFields(
  call: CheckedCall,
  stage: 'partial_image' | 'completed',
  more: Record<string, unknown>,
): Record<string, unknown> {
  const subject = call.operation === 'edit' ? 'image_edit' : 'image_generation'
  return {
    type: `${subject}.${stage}`,
    b64_json: '',
    created_at: Math.floor(Date.now() / 1_000),
    ...resolvedValues(call),
    ...more,
  }
}

/** The error comes in the place of the picture, or of a partial one. */
function beforeError(events: readonly StreamEvent[], partialsMax: number): StreamEvent[] {
  const firstCompleted = events.findIndex(({ fields }) => 'usage' in fields)
  const partials = firstCompleted === -1 ? events : events.slice(0, firstCompleted)
  return partials.slice(0, partialsMax)
}

function errorEvent(
  writer: EventWriter,
  fault: Extract<StreamFault, { kind: 'stream_error' }>,
): BodyPart[] {
  const { form, message, type, code, param } = fault
  const error = { message, type, param, code }
  switch (form) {
    case 'event':
      return writer.json({ error }, 'error')
    case 'flat':
      return writer.json({ ...error, type: 'error' }, 'error')
    case 'data':
      return writer.json({ error })
  }
}

function heartbeats(
  writer: EventWriter,
  { intervalMs, forMs }: Extract<StreamFault, { kind: 'stream_heartbeats' }>,
): BodyPart[] {
  const count = Math.ceil(forMs / intervalMs)
  return Array.from({ length: count }, () => [
    ...writer.comment('heartbeat'),
    { pauseMs: intervalMs },
  ]).flat()
}
