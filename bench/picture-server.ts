/**
 * An Images API that answers at once: `/<picture bytes>/v1/images/generations` with the `n` that is asked for.
 * Pictures are made and encoded once, so that this process costs the measured one as little as possible.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { crc32, deflateSync } from 'node:zlib'
import { serve } from './serve.ts'

const SIDE = 1024
/** As wide as the chunks that common encoders write. */
const CHUNK_BYTES = 65_536
const CHUNK_FRAME_BYTES = 12
const WRITE_BYTES = 1_048_576

const encoded = new Map<number, Buffer>()

serve(createServer((request, response) => void answer(request, response)))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { n } = (await json(request)) as { n: number }
  const byteCount = Number(/^\/(\d+)\/v1\/images\/generations$/.exec(request.url ?? '')?.[1])
  const base64 = encodedPicture(byteCount)
  const head = Buffer.from('{"created":1790000000,"data":[{"b64_json":"')
  const between = Buffer.from('"},{"b64_json":"')
  const tail = Buffer.from(
    '"}],"usage":{"input_tokens":10,"output_tokens":196,"total_tokens":206},"output_format":"png"}',
  )
  const contentLength = head.length + tail.length + n * base64.length + (n - 1) * between.length
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': contentLength,
    'x-request-id': 'req_bench',
  })
  function* body(): Generator<Buffer> {
    yield head
    for (let index = 0; index < n; index++) {
      if (index > 0) yield between
      for (let at = 0; at < base64.length; at += WRITE_BYTES) {
        yield base64.subarray(at, at + WRITE_BYTES)
      }
    }
    yield tail
  }
  // A client that dies in the middle is a result, and the parent tells it.
  await pipeline(body(), response).catch(() => {})
}

function encodedPicture(byteCount: number): Buffer {
  let base64 = encoded.get(byteCount)
  if (base64 === undefined) {
    base64 = Buffer.from(paddedPng(byteCount).toString('base64'))
    encoded.set(byteCount, base64)
  }
  return base64
}

/** A valid PNG of exactly so many bytes: a grey square, and noise in private chunks. */
function paddedPng(byteCount: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(SIDE, 0)
  header.writeUInt32BE(SIDE, 4)
  header[8] = 8
  const before = Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(SIDE * (SIDE + 1)))),
  ])
  const end = pngChunk('IEND', Buffer.alloc(0))
  const padding: Buffer[] = []
  let left = byteCount - before.length - end.length
  while (left > 0) {
    const isLast = left < CHUNK_BYTES + 2 * CHUNK_FRAME_BYTES
    const dataBytes = (isLast ? left : CHUNK_BYTES) - CHUNK_FRAME_BYTES
    padding.push(pngChunk('raNd', randomBytes(dataBytes)))
    left -= dataBytes + CHUNK_FRAME_BYTES
  }
  return Buffer.concat([before, ...padding, end])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(data.length + CHUNK_FRAME_BYTES)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(type, 4, 'latin1')
  data.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}
