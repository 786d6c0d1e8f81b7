import {
  cutShort,
  PARTS_MAX,
  PictureBrokenError,
  readExactly,
  SCAN_BYTES,
  type Bytes,
  type Measures,
} from './bytes.ts'

export async function measureGif(bytes: Bytes): Promise<Measures> {
  const header = await readExactly(bytes, { from: 0, length: 13, cut: 'GIF without header' })
  let at = 13 + colorTableBytes(header.readUInt8(10))
  let [width, height] = [header.readUInt16LE(6), header.readUInt16LE(8)]
  let hasPicture = false
  let hasAlpha = false
  for (let parts = 0; parts < PARTS_MAX; parts++) {
    const block = await bytes.read(at, 10)
    if (block[0] === 0x3b) {
      if (!hasPicture) throw new PictureBrokenError('damaged: GIF without picture data')
      return { width, height, hasAlpha }
    }
    const isPicture = block[0] === 0x2c
    if (block.length < (isPicture ? 10 : 2)) throw cutShort('GIF without trailer')
    if (!isPicture && block[0] !== 0x21) throw new PictureBrokenError('damaged: unknown GIF block')
    if (isPicture && !hasPicture) {
      // Decoders make room for a first frame that is larger than the picture says it is.
      width = Math.max(width, block.readUInt16LE(1) + block.readUInt16LE(5))
      height = Math.max(height, block.readUInt16LE(3) + block.readUInt16LE(7))
      hasPicture = true
    }
    // A graphic control extension, with its transparency flag.
    hasAlpha ||= !isPicture && block[1] === 0xf9 && ((block[3] ?? 0) & 1) === 1
    at = await skipGifBlocks(bytes, at + (isPicture ? 11 + colorTableBytes(block.readUInt8(9)) : 2))
  }
  throw new PictureBrokenError('damaged: GIF with too many blocks')
}

const colorTableBytes = (flags: number): number =>
  (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1)

/** Data comes in blocks of up to 255 bytes; an empty one ends the list. Returns where that list ends. */
async function skipGifBlocks(bytes: Bytes, from: number): Promise<number> {
  let at = from
  while (at < bytes.byteCount) {
    const window = await bytes.read(at, SCAN_BYTES)
    let offset = 0
    while (offset < window.length) {
      const length = window.readUInt8(offset)
      offset += 1 + length
      if (length === 0) return at + offset
    }
    at += offset
  }
  throw cutShort('GIF without trailer')
}
