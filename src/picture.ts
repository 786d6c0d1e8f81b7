/**
 * Reads what a picture file says about itself: type by signature, dimensions from the header, and whether
 * the structure is complete to its end; data behind that end is no fault. Never decodes a pixel, so a hostile
 * file costs no more than one pass, in windows: headers and tail where they tell enough, the whole only where
 * the format has checksums or offers no other way.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { HEAD_BYTES, PictureBrokenError, type Bytes, type Measures } from './picture/bytes.ts'
import { measureGif } from './picture/gif.ts'
import { measureJpeg } from './picture/jpeg.ts'
import { measurePng } from './picture/png.ts'
import { measureSvg, SVG_ROOT } from './picture/svg.ts'
import { measureWebp } from './picture/webp.ts'

export { PictureBrokenError }

export interface PictureFacts {
  mediaType: 'image/png' | 'image/jpeg' | 'image/webp' | 'image/gif' | 'image/svg+xml'
  extension: 'png' | 'jpg' | 'webp' | 'gif' | 'svg'
  width: number
  height: number
  /** The format says that pixels may be transparent. */
  hasAlpha: boolean
  byteCount: number
}

interface Format extends Pick<PictureFacts, 'mediaType' | 'extension'> {
  isSignedBy(head: Buffer): boolean
  measure(bytes: Bytes): Promise<Measures>
}

const FORMATS: readonly Format[] = [
  {
    mediaType: 'image/png',
    extension: 'png',
    isSignedBy: (head) => head.toString('latin1', 0, 8) === '\x89PNG\r\n\x1a\n',
    measure: measurePng,
  },
  {
    mediaType: 'image/jpeg',
    extension: 'jpg',
    isSignedBy: (head) => head.toString('latin1', 0, 3) === '\xff\xd8\xff',
    measure: measureJpeg,
  },
  {
    mediaType: 'image/webp',
    extension: 'webp',
    isSignedBy: (head) =>
      head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP',
    measure: measureWebp,
  },
  {
    mediaType: 'image/gif',
    extension: 'gif',
    isSignedBy: (head) => /^GIF8[79]a/.test(head.toString('latin1', 0, 6)),
    measure: measureGif,
  },
  {
    mediaType: 'image/svg+xml',
    extension: 'svg',
    isSignedBy: (head) => SVG_ROOT.test(head.toString('utf8')),
    measure: measureSvg,
  },
]

/** Photos of what is sold as 64 MP have a little more than 64 million. */
const PIXELS_MAX = 64 * 1024 * 1024

/** Throws PictureBrokenError unless `source` is one complete picture of at most `pixelsMax` pixels. */
export async function inspectPicture(
  source: Uint8Array | { file: string },
  { pixelsMax = PIXELS_MAX } = {},
): Promise<PictureFacts> {
  if (source instanceof Uint8Array) return await inspect(bytesInMemory(source), pixelsMax)
  const file = await open(source.file, 'r')
  try {
    const { size } = await file.stat()
    return await inspect(bytesOfFile(file, size), pixelsMax)
  } finally {
    await file.close()
  }
}

async function inspect(bytes: Bytes, pixelsMax: number): Promise<PictureFacts> {
  if (bytes.byteCount === 0) throw new PictureBrokenError('empty: 0 bytes')
  const head = await bytes.read(0, HEAD_BYTES)
  const format = FORMATS.find((candidate) => candidate.isSignedBy(head))
  if (format === undefined) {
    throw new PictureBrokenError(`not a picture: begins with ${quote(head)}`)
  }
  const measures = await format.measure(bytes)
  refuseBadSize(measures, pixelsMax)
  const { mediaType, extension } = format
  return { mediaType, extension, ...measures, byteCount: bytes.byteCount }
}

function refuseBadSize({ width, height }: Measures, pixelsMax: number): void {
  if (width < 1 || height < 1) {
    throw new PictureBrokenError(`damaged: ${width}x${height} is not a size`)
  }
  if (width * height > pixelsMax) {
    throw new PictureBrokenError(
      `too large: ${width}x${height} is more than ${pixelsMax.toLocaleString('en')} pixels`,
    )
  }
}

function quote(head: Buffer): string {
  const text = head.toString('latin1', 0, 12).split(/[^\x20-\x7e]/, 1)[0] ?? ''
  if (text.length >= 4) return `'${text}'`
  return `the bytes 0x${head.toString('hex', 0, 8)}`
}

/** A walk reads checksums, a piece at a time, or asks for a few bytes here and there. */
const READ_AHEAD_BYTES = 262_144

function bytesInMemory(source: Uint8Array): Bytes {
  const buffer = Buffer.from(source.buffer, source.byteOffset, source.byteLength)
  return {
    byteCount: buffer.length,
    read: async (from, length) => buffer.subarray(from, from + length),
  }
}

function bytesOfFile(file: FileHandle, byteCount: number): Bytes {
  let window: Buffer = Buffer.alloc(0)
  let windowFrom = 0
  return {
    byteCount,
    async read(from, length) {
      if (from < windowFrom || from + length > windowFrom + window.length) {
        const left = Math.max(0, byteCount - from)
        const fresh = Buffer.allocUnsafe(Math.min(Math.max(length, READ_AHEAD_BYTES), left))
        const { bytesRead } = await file.read(fresh, 0, fresh.length, from)
        window = fresh.subarray(0, bytesRead)
        windowFrom = from
      }
      return window.subarray(from - windowFrom, from - windowFrom + length)
    },
  }
}
