/** Sends a good answer, whole or in the way a delivery fault wants it. */
import type { ServerResponse } from 'node:http'
import { finished } from 'node:stream/promises'
import type { Delivery } from './faults.ts'

interface GoodAnswer {
  body: Buffer
  /** Undefined: nothing goes wrong. */
  fault: Delivery | undefined
  wait(ms: number): Promise<void>
}

/** Settles when the answer is over, also when the client went away. Headers that were set are kept. */
export async function deliver(response: ServerResponse, answer: GoodAnswer): Promise<void> {
  const over = finished(response).catch(() => undefined)
  response.statusCode = 200
  response.setHeader('content-type', 'application/json')
  await send(response, answer)
  await over
}

async function send(response: ServerResponse, { body, fault, wait }: GoodAnswer): Promise<void> {
  switch (fault?.kind) {
    case undefined:
    case 'file_error':
      sendWhole(response, body)
      return
    case 'slow_headers':
      await wait(fault.delayMs)
      sendWhole(response, body)
      return
    case 'slow_body':
      for (let at = 0; at < body.length && !response.destroyed; at += fault.chunkBytes) {
        if (at === 0) response.setHeader('content-length', body.length)
        else await wait(fault.intervalMs)
        response.write(body.subarray(at, at + fault.chunkBytes))
      }
      response.end()
      return
    case 'cut_body':
      sendPart(response, body, fault)
  }
}

function sendWhole(response: ServerResponse, body: Buffer): void {
  response.setHeader('content-length', body.length)
  response.end(body)
}

function sendPart(
  response: ServerResponse,
  body: Buffer,
  { framing, share }: Extract<Delivery, { kind: 'cut_body' }>,
): void {
  if (framing === 'content-length') response.setHeader('content-length', body.length)
  if (framing === 'close') {
    // Without chunks and without a length, the end of the connection is the end of the body.
    response.removeHeader('transfer-encoding')
    response.setHeader('connection', 'close')
  }
  response.flushHeaders()
  response.write(body.subarray(0, Math.floor(body.length * share)), () => response.destroy())
}
