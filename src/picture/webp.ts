import {
  cutShort,
  PARTS_MAX,
  PictureBrokenError,
  readExactly,
  type Bytes,
  type Measures,
} from './bytes.ts'

export async function measureWebp(bytes: Bytes): Promise<Measures> {
  // The smallest pictures are shorter than the longest header; zeros are no valid one.
  const header = Buffer.alloc(30)
  header.set(await bytes.read(0, header.length))
  const end = 8 + header.readUInt32LE(4)
  if (end > bytes.byteCount) {
    throw cutShort(`WebP of ${end} bytes ends after ${bytes.byteCount}`)
  }
  const chunks = await walkWebpChunks(bytes, end)
  if (!['VP8 ', 'VP8L', 'ANMF'].some((type) => chunks.has(type))) {
    throw new PictureBrokenError('damaged: WebP without picture data')
  }
  return webpMeasuresIn(header)
}

async function walkWebpChunks(bytes: Bytes, end: number): Promise<Set<string>> {
  const seen = new Set<string>()
  let at = 12
  for (let parts = 0; at < end; parts++) {
    if (parts === PARTS_MAX) throw new PictureBrokenError('damaged: WebP with too many chunks')
    const chunk = await readExactly(bytes, { from: at, length: 8, cut: 'WebP ends inside a chunk' })
    const byteCount = chunk.readUInt32LE(4)
    seen.add(chunk.toString('latin1', 0, 4))
    at += 8 + byteCount + (byteCount % 2)
  }
  if (at > end) throw cutShort('WebP ends inside a chunk')
  return seen
}

function webpMeasuresIn(header: Buffer): Measures {
  const type = header.toString('latin1', 12, 16)
  const payload = header.subarray(20)
  if (type === 'VP8X') {
    return {
      width: payload.readUIntLE(4, 3) + 1,
      height: payload.readUIntLE(7, 3) + 1,
      hasAlpha: (payload.readUInt8(0) & 0x10) !== 0,
    }
  }
  if (type === 'VP8L' && payload[0] === 0x2f) {
    const bits = payload.readUInt32LE(1)
    return {
      width: (bits & 0x3fff) + 1,
      height: ((bits >>> 14) & 0x3fff) + 1,
      hasAlpha: (bits & 0x1000_0000) !== 0,
    }
  }
  if (type === 'VP8 ' && payload.toString('latin1', 3, 6) === '\x9d\x01\x2a') {
    return {
      width: payload.readUInt16LE(6) & 0x3fff,
      height: payload.readUInt16LE(8) & 0x3fff,
      hasAlpha: false,
    }
  }
  throw new PictureBrokenError('damaged: WebP without a size')
}
