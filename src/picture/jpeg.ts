import {
  cutShort,
  PARTS_MAX,
  PictureBrokenError,
  readExactly,
  SCAN_BYTES,
  type Bytes,
  type Measures,
} from './bytes.ts'

export async function measureJpeg(bytes: Bytes): Promise<Measures> {
  let measures: Measures | undefined
  let at = 2
  for (let parts = 0; parts < PARTS_MAX; parts++) {
    const segment = await readExactly(bytes, { from: at, length: 9, cut: 'JPEG without picture' })
    const marker = segment[1] ?? 0
    if (segment[0] !== 0xff) throw new PictureBrokenError('damaged: JPEG segment without a marker')
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (marker === 0xd9) throw new PictureBrokenError('damaged: JPEG ends before its picture')
    if (isFrameStart(marker)) {
      // Which of them a decoder would believe is anybody's guess.
      if (measures !== undefined) throw new PictureBrokenError('damaged: JPEG with two sizes')
      measures = {
        width: segment.readUInt16BE(7),
        height: segment.readUInt16BE(5),
        hasAlpha: false,
      }
    }
    at += 2 + segment.readUInt16BE(2)
    if (marker === 0xda) {
      if (measures === undefined) throw new PictureBrokenError('damaged: JPEG without a size')
      await findJpegEnd(bytes, at)
      return measures
    }
  }
  throw new PictureBrokenError('damaged: JPEG with too many segments')
}

/** SOF0 to SOF15, without the three numbers that mean something else (DHT, JPG, DAC). */
const isFrameStart = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

/**
 * Read through to there: the last two bytes may look like an end and belong to a table that was cut, and
 * cameras and phones append data of their own.
 */
async function findJpegEnd(bytes: Bytes, from: number): Promise<void> {
  let at = from
  while (at < bytes.byteCount) {
    const step = stepToJpegEnd(await bytes.read(at, SCAN_BYTES))
    if (step === 'end') return
    at += step
  }
  throw cutShort('JPEG without end marker')
}

/** How many bytes of `window` are behind us, at least one; compressed data escapes 0xff as 0xff00. */
function stepToJpegEnd(window: Buffer): number | 'end' {
  let at = window.indexOf(0xff)
  while (at !== -1 && at < window.length) {
    const marker = window[at + 1]
    if (marker === 0xd9) return 'end'
    // The window ends inside this marker: begin the next one here, or give up at the end of the file.
    if (marker === undefined || (hasLength(marker) && at + 4 > window.length)) {
      return at || window.length
    }
    if (hasLength(marker)) at += 2 + window.readUInt16BE(at + 2)
    else at += marker === 0xff ? 1 : 2
    if (at < window.length) at = window.indexOf(0xff, at)
  }
  return at === -1 ? window.length : at
}

/** Not an escaped 0xff, TEM, a restart marker or a fill byte. */
const hasLength = (marker: number): boolean =>
  marker > 0x01 && marker !== 0xff && (marker & 0xf8) !== 0xd0
