/** Writes a small picture down as a file of the asked size and format. */
import type { Sharp } from 'sharp'
import type { Animation, PictureForm } from './format-rules.ts'
import { enlarged, type Pixels, rolled } from './picture-look.ts'
import type { PictureSize } from './sizes.ts'
import { svgDocument } from './svg-document.ts'

export interface FileSpec extends PictureForm {
  size: PictureSize
}

/** Sharp is a large native library: nobody loads it before a picture is needed. */
export const loadSharp = async () => (await import('sharp')).default

export async function encodePicture(pixels: Pixels, spec: FileSpec): Promise<Buffer> {
  if (spec.format === 'svg') return svgDocument(pixels, spec.size)
  if (spec.animation !== undefined) return encodeAnimation(pixels, spec, spec.animation)
  return inFormat(await scaledUp(pixels, spec), spec).toBuffer()
}

async function scaledUp(pixels: Pixels, { size, background }: FileSpec): Promise<Sharp> {
  const sharp = await loadSharp()
  const raw = { ...size, channels: background === 'transparent' ? 4 : 3 } as const
  return sharp(enlarged(pixels, raw), { raw })
}

function inFormat(picture: Sharp, { format, compression }: FileSpec): Sharp {
  switch (format) {
    case 'png':
    case 'svg':
      return picture.png({ compressionLevel: 2 })
    case 'gif':
      return picture.gif({ effort: 1 })
    case 'jpeg':
      return picture.jpeg({ quality: Math.max(1, compression) })
    case 'webp':
      // Of blocks, the lossless form is smaller and quicker than the lossy one.
      return compression === 100
        ? picture.webp({ lossless: true, effort: 0 })
        : picture.webp({ quality: Math.max(1, compression), effort: 0 })
  }
}

/** The picture scrolls once around. Frames are joined as files: raw, sixteen large ones are half a gigabyte. */
async function encodeAnimation(
  pixels: Pixels,
  spec: FileSpec,
  { frameCount, frameDurationMs }: Animation,
): Promise<Buffer> {
  const frames: Buffer[] = []
  for (let frame = 0; frame < frameCount; frame += 1) {
    const moved = rolled(pixels, Math.round((frame * pixels.side) / frameCount))
    frames.push(await inFormat(await scaledUp(moved, spec), { ...spec, format: 'png' }).toBuffer())
  }
  const sharp = await loadSharp()
  const delay = frames.map(() => frameDurationMs)
  return sharp(frames, { join: { animated: true } })
    .gif({ delay, loop: 0, effort: 1, dither: 0 })
    .toBuffer()
}
