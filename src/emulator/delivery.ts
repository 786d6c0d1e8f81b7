/** Sends a good answer, whole or in the way a delivery fault wants it. */
import type { ServerResponse } from 'node:http'
import { finished } from 'node:stream/promises'
import { type BodyPart, byteCountOf, piecesOf } from './body-parts.ts'
import type { Delivery } from './fault-kinds.ts'

export interface GoodAnswer {
  kind: 'json' | 'events'
  parts: readonly BodyPart[]
  /** Undefined: nothing goes wrong. */
  fault: Delivery | undefined
  wait(ms: number): Promise<void>
}

const CONTENT_TYPES = {
  json: 'application/json',
  events: 'text/event-stream; charset=utf-8',
} as const

/** Settles when the answer is over, also when the client went away. Headers that were set are kept. */
export async function deliver(response: ServerResponse, answer: GoodAnswer): Promise<void> {
  const over = finished(response).catch(() => undefined)
  response.statusCode = 200
  response.setHeader('content-type', CONTENT_TYPES[answer.kind])
  await send(response, answer, over)
  await over
}

async function send(
  response: ServerResponse,
  { kind, parts, fault, wait }: GoodAnswer,
  over: Promise<void>,
): Promise<void> {
  if (fault?.kind === 'slow_headers') await wait(fault.delayMs)
  const isCut = fault?.kind === 'cut_body'
  const framing = isCut ? fault.framing : kind === 'json' ? 'content-length' : 'chunked'
  const byteCount = byteCountOf(parts)
  if (framing === 'content-length') response.setHeader('content-length', byteCount)
  if (framing === 'close') {
    // Without chunks and without a length, the end of the connection is the end of the body.
    response.removeHeader('transfer-encoding')
    response.setHeader('connection', 'close')
  }
  if (response.destroyed) return
  response.flushHeaders()
  const output = { response, wait, over }
  if (isCut) {
    await writeParts(output, parts, { bytesMax: Math.floor(byteCount * fault.share) })
    response.destroy()
    return
  }
  await writeParts(output, parts, fault?.kind === 'slow_body' ? fault : {})
  if (!response.destroyed) response.end()
}

interface Output {
  response: ServerResponse
  wait(ms: number): Promise<void>
  /** Settles when nobody reads any more. */
  over: Promise<void>
}

interface Pace {
  /** At most this many at a time, and a pause of `intervalMs` between them. */
  chunkBytes?: number
  intervalMs?: number
  /** Nothing behind them is sent. */
  bytesMax?: number
}

/** Settles when the last byte is handed over, or when nobody reads any more. */
async function writeParts(
  { response, wait, over }: Output,
  parts: readonly BodyPart[],
  { chunkBytes = Infinity, intervalMs = 0, bytesMax = Infinity }: Pace,
): Promise<void> {
  const pause = (ms: number) => Promise.race([wait(ms), over])
  let sentBytes = 0
  let handedOver = Promise.resolve()
  for (const part of parts) {
    if ('pauseMs' in part) await pause(part.pauseMs)
    for (const chunk of chunksOf(part, chunkBytes)) {
      if (sentBytes > 0 && intervalMs > 0) await pause(intervalMs)
      if (response.destroyed || sentBytes >= bytesMax) return handedOver
      const allowed = chunk.subarray(0, bytesMax - sentBytes)
      sentBytes += allowed.length
      let hasRoom = true
      handedOver = Promise.race([
        over,
        new Promise<void>((resolve) => {
          hasRoom = response.write(allowed, () => {
            resolve()
          })
        }),
      ])
      if (!hasRoom) await handedOver
    }
  }
  return handedOver
}

function* chunksOf(part: BodyPart, bytesMax: number): Generator<Buffer> {
  for (const piece of piecesOf(part)) {
    for (let at = 0; at < piece.length; at += bytesMax) yield piece.subarray(at, at + bytesMax)
  }
}
