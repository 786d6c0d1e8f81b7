import {
  cutShort,
  PARTS_MAX,
  PictureBrokenError,
  readExactly,
  refuseTrailing,
  type Bytes,
  type Measures,
} from './bytes.ts'

export async function measurePng(bytes: Bytes): Promise<Measures> {
  const header = await readExactly(bytes, { from: 8, length: 25, cut: 'PNG without header' })
  if (header.toString('latin1', 4, 8) !== 'IHDR' || header.readUInt32BE(0) !== 13) {
    throw new PictureBrokenError('damaged: PNG does not begin with IHDR')
  }
  const hasAlpha = header[17] === 4 || header[17] === 6
  const chunks = await walkPngChunks(bytes, 33)
  if (!chunks.has('IDAT')) throw new PictureBrokenError('damaged: PNG without picture data')
  return {
    width: header.readUInt32BE(8),
    height: header.readUInt32BE(12),
    hasAlpha: hasAlpha || chunks.has('tRNS'),
  }
}

/** Follows the chunk lengths to IEND, which must be the file's last chunk. */
async function walkPngChunks(bytes: Bytes, from: number): Promise<Set<string>> {
  const seen = new Set<string>()
  let at = from
  for (let parts = 0; parts < PARTS_MAX; parts++) {
    const chunk = await readExactly(bytes, { from: at, length: 8, cut: 'PNG without IEND' })
    const type = chunk.toString('latin1', 4, 8)
    if (!/^[A-Za-z]{4}$/.test(type)) throw new PictureBrokenError('damaged: bad PNG chunk')
    seen.add(type)
    at += 12 + chunk.readUInt32BE(0)
    if (at > bytes.byteCount) throw cutShort(`PNG ends inside ${type}`)
    if (type === 'IEND') {
      refuseTrailing(bytes.byteCount - at, 'PNG')
      return seen
    }
  }
  throw new PictureBrokenError('damaged: PNG with too many chunks')
}
