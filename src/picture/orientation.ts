/**
 * The size of a picture as a viewer shows it: cameras note in EXIF how they were held, and the stored pixels
 * may lie on their side. The API compares markups with pictures that were put upright.
 */

export interface PictureSize {
  width: number
  height: number
}

/** Where EXIF calls this many or more, rows and columns change places. */
const FIRST_TURNED = 5
const LAST_TURNED = 8
const ORIENTATION_TAG = 0x0112
const ENTRY_BYTES = 12

/** `picture`: one that was found complete. Whatever is wrong with its EXIF counts as upright, as viewers do it. */
export function shownSizeOf(picture: Uint8Array, { width, height }: PictureSize): PictureSize {
  const bytes = Buffer.from(picture.buffer, picture.byteOffset, picture.byteLength)
  const exif = exifIn(bytes)
  const orientation = exif === undefined ? 1 : orientationIn(exif)
  const isTurned = orientation >= FIRST_TURNED && orientation <= LAST_TURNED
  return isTurned ? { width: height, height: width } : { width, height }
}

/** Begins with the byte order mark of TIFF. */
function exifIn(bytes: Buffer): Buffer | undefined {
  if (bytes.readUInt16BE(0) === 0xffd8) return exifOfJpeg(bytes)
  if (bytes.toString('latin1', 1, 4) === 'PNG') return exifOfPng(bytes)
  return bytes.toString('latin1', 8, 12) === 'WEBP' ? exifOfWebp(bytes) : undefined
}

function exifOfJpeg(bytes: Buffer): Buffer | undefined {
  let at = 2
  while (at + 10 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const isFill = bytes[at + 1] === 0xff
    const byteCount = bytes.readUInt16BE(at + 2)
    const isExif = bytes[at + 1] === 0xe1 && bytes.toString('latin1', at + 4, at + 10) === EXIF_NAME
    if (isExif) return bytes.subarray(at + 10, at + 2 + byteCount)
    at += isFill ? 1 : 2 + byteCount
  }
  return undefined
}

const EXIF_NAME = 'Exif\0\0'

function exifOfPng(bytes: Buffer): Buffer | undefined {
  let at = 8
  while (at + 12 <= bytes.length) {
    const byteCount = bytes.readUInt32BE(at)
    if (bytes.toString('latin1', at + 4, at + 8) === 'eXIf') {
      return bytes.subarray(at + 8, at + 8 + byteCount)
    }
    at += 12 + byteCount
  }
  return undefined
}

function exifOfWebp(bytes: Buffer): Buffer | undefined {
  let at = 12
  while (at + 8 <= bytes.length) {
    const byteCount = bytes.readUInt32LE(at + 4)
    if (bytes.toString('latin1', at, at + 4) === 'EXIF') {
      const exif = bytes.subarray(at + 8, at + 8 + byteCount)
      // Some writers keep the name that only JPEG needs.
      return exif.toString('latin1', 0, 6) === EXIF_NAME ? exif.subarray(6) : exif
    }
    at += 8 + byteCount + (byteCount % 2)
  }
  return undefined
}

function orientationIn(exif: Buffer): number {
  const isLittle = exif.toString('latin1', 0, 2) === 'II'
  const short = (at: number): number => {
    if (at + 2 > exif.length) return 0
    return isLittle ? exif.readUInt16LE(at) : exif.readUInt16BE(at)
  }
  if (exif.length < 8 || short(2) !== 42) return 1
  const directory = isLittle ? exif.readUInt32LE(4) : exif.readUInt32BE(4)
  const entries = Array.from({ length: short(directory) }, (_, index) => {
    return directory + 2 + index * ENTRY_BYTES
  })
  const entry = entries.find((at) => short(at) === ORIENTATION_TAG)
  return entry === undefined ? 1 : short(entry + 8)
}
