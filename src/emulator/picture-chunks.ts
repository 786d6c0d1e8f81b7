/**
 * Puts bytes into finished pictures without touching what they show: the mark of the paid call, so that
 * a stored object proves which call made it, and padding, so that a picture can be as large as wanted.
 */
import { crc32 } from 'node:zlib'
import type { PictureFormat } from './models.ts'

const PNG_HEADER_END = 33
/** Decoders put bounds on a single chunk; padding stays far below them. */
const PADDING_CHUNK_BYTES = 1_048_576
const JPEG_COMMENT_BYTES = 65_533
const GIF_COMMENT_BYTES = 65_535
const GIF_BLOCK_BYTES = 255
const GIF_TRAILER = ';'
const SVG_END = '</svg>'

export function markPicture(bytes: Buffer, format: PictureFormat, mark: string): Buffer {
  switch (format) {
    case 'png':
      return insert(bytes, PNG_HEADER_END, [pngChunk('tEXt', Buffer.from(`Comment\0${mark}`))])
    case 'jpeg':
      return insert(bytes, jpegHeaderEnd(bytes), [jpegComment(Buffer.from(mark))])
    case 'webp':
      return appendToWebp(bytes, [webpChunk('CMNT', Buffer.from(mark))])
    case 'gif':
      return insertBeforeEnd(bytes, GIF_TRAILER, [gifComment(Buffer.from(mark))])
    case 'svg':
      return insertBeforeEnd(bytes, SVG_END, [svgComment(Buffer.from(mark))])
  }
}

/** The same picture, `extraBytes` larger (a little more for the framing). */
export function padPicture(bytes: Buffer, format: PictureFormat, extraBytes: number): Buffer {
  switch (format) {
    case 'png': {
      const chunks = slices(extraBytes, PADDING_CHUNK_BYTES).map((data) => pngChunk('paDd', data))
      return insert(bytes, PNG_HEADER_END, chunks)
    }
    case 'jpeg':
      return insert(
        bytes,
        jpegHeaderEnd(bytes),
        slices(extraBytes, JPEG_COMMENT_BYTES).map(jpegComment),
      )
    case 'webp': {
      const chunks = slices(extraBytes, PADDING_CHUNK_BYTES).map((data) => webpChunk('PADD', data))
      return appendToWebp(bytes, chunks)
    }
    case 'gif': {
      const comments = slices(extraBytes, GIF_COMMENT_BYTES).map(gifComment)
      return insertBeforeEnd(bytes, GIF_TRAILER, comments)
    }
    case 'svg': {
      const comments = slices(extraBytes, PADDING_CHUNK_BYTES).map(svgComment)
      return insertBeforeEnd(bytes, SVG_END, comments)
    }
  }
}

function slices(total: number, most: number): Buffer[] {
  const whole = Buffer.alloc(most, 'padding.')
  const lengths: number[] = []
  for (let left = total; left > 0; left -= most) lengths.push(Math.min(left, most))
  return lengths.map((length) => whole.subarray(0, length))
}

function insert(bytes: Buffer, at: number, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([bytes.subarray(0, at), ...parts, bytes.subarray(at)])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(data.length + 12)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(type, 4, 'latin1')
  data.copy(chunk, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}

/** Behind the JFIF segment, which has to come first. */
function jpegHeaderEnd(bytes: Buffer): number {
  const hasJfif = bytes.readUInt16BE(2) === 0xffe0
  return hasJfif ? 4 + bytes.readUInt16BE(4) : 2
}

function jpegComment(data: Buffer): Buffer {
  const head = Buffer.from([0xff, 0xfe, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([head, data])
}

/** Chunks of RIFF have even length; the padding byte is not counted. */
function webpChunk(type: string, data: Buffer): Buffer {
  const chunk = Buffer.alloc(8 + data.length + (data.length % 2))
  chunk.write(type, 0, 'latin1')
  chunk.writeUInt32LE(data.length, 4)
  data.copy(chunk, 8)
  return chunk
}

function appendToWebp(bytes: Buffer, chunks: readonly Buffer[]): Buffer {
  const longer = Buffer.concat([bytes, ...chunks])
  longer.writeUInt32LE(longer.length - 8, 4)
  return longer
}

/** A comment extension: its text in blocks of at most 255 bytes, each behind its length, and an empty one. */
function gifComment(data: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x21, 0xfe])]
  for (let at = 0; at < data.length; at += GIF_BLOCK_BYTES) {
    const block = data.subarray(at, at + GIF_BLOCK_BYTES)
    parts.push(Buffer.from([block.length]), block)
  }
  return Buffer.concat([...parts, Buffer.from([0])])
}

const svgComment = (data: Buffer) =>
  Buffer.concat([Buffer.from('<!--'), data, Buffer.from('-->\n')])

function insertBeforeEnd(bytes: Buffer, end: string, parts: readonly Buffer[]): Buffer {
  return insert(bytes, bytes.lastIndexOf(end, undefined, 'latin1'), parts)
}
