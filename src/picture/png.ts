import { crc32 } from 'node:zlib'
import {
  cutShort,
  PARTS_MAX,
  PictureBrokenError,
  readExactly,
  SCAN_BYTES,
  type Bytes,
  type Measures,
} from './bytes.ts'

const SIGNATURE_BYTES = 8

export async function measurePng(bytes: Bytes): Promise<Measures> {
  const header = await readExactly(bytes, { from: 8, length: 25, cut: 'PNG without header' })
  if (header.toString('latin1', 4, 8) !== 'IHDR' || header.readUInt32BE(0) !== 13) {
    throw new PictureBrokenError('damaged: PNG does not begin with IHDR')
  }
  // Taken now: the walk reads on, and the window with it.
  const [width, height] = [header.readUInt32BE(8), header.readUInt32BE(12)]
  const hasAlpha = header[17] === 4 || header[17] === 6
  const chunkBytes = await walkPngChunks(bytes)
  if (!chunkBytes.get('IDAT')) throw new PictureBrokenError('damaged: PNG without picture data')
  return { width, height, hasAlpha: hasAlpha || chunkBytes.has('tRNS') }
}

/** Follows the chunks to IEND, checking each; how many bytes there are of each type. */
async function walkPngChunks(bytes: Bytes): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  let at = SIGNATURE_BYTES
  for (let parts = 0; parts < PARTS_MAX; parts++) {
    const chunk = await readExactly(bytes, { from: at, length: 8, cut: 'PNG without IEND' })
    const byteCount = chunk.readUInt32BE(0)
    const type = chunk.toString('latin1', 4, 8)
    if (!/^[A-Za-z]{4}$/.test(type)) throw new PictureBrokenError('damaged: bad PNG chunk')
    const end = at + 12 + byteCount
    if (end > bytes.byteCount) throw cutShort(`PNG ends inside ${type}`)
    if (!(await isIntact(bytes, at + 4, end))) {
      throw new PictureBrokenError(`damaged: the checksum of ${type} in the PNG is wrong`)
    }
    if (type === 'IEND') return seen
    seen.set(type, (seen.get(type) ?? 0) + byteCount)
    at = end
  }
  throw new PictureBrokenError('damaged: PNG with too many chunks')
}

/** The last four bytes are the checksum of all from the type on. */
async function isIntact(bytes: Bytes, from: number, end: number): Promise<boolean> {
  const checksumAt = end - 4
  let checksum = 0
  for (let at = from; at < checksumAt;) {
    const window = await bytes.read(at, Math.min(SCAN_BYTES, checksumAt - at))
    if (window.length === 0) return false
    checksum = crc32(window, checksum)
    at += window.length
  }
  const expected = await bytes.read(checksumAt, 4)
  return expected.length === 4 && expected.readUInt32BE(0) === checksum
}
