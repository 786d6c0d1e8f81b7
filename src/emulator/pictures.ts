/**
 * Draws the emulator's pictures: real files of exactly the asked size and format. Everything is drawn
 * tiny and scaled up without smoothing, which keeps a 4K picture cheap to make and small in bytes.
 */
import type { Sharp } from 'sharp'
import { type InputPicture, type InputPictures, unreadable } from './input-pictures.ts'
import type { PictureFormat } from './models.ts'
import { mix, type Pixels, pixelsOfSeed } from './picture-look.ts'
import type { PictureSize } from './sizes.ts'

export interface PictureSpec extends InputPictures {
  /** Decides the look. */
  seed: string
  size: PictureSize
  format: PictureFormat
  transparent: boolean
  /** 0 to 100, for jpeg and webp. */
  compression: number
}

/** Sharp is a large native library: nobody loads it before a picture is needed. */
const loadSharp = async () => (await import('sharp')).default

export async function drawPicture(spec: PictureSpec): Promise<Buffer> {
  const look = pixelsOfSeed(spec.seed, spec.transparent)
  return encode(spec.images.length === 0 ? look : await paintOver(spec, look), spec)
}

async function encode({ data, side }: Pixels, spec: PictureSpec): Promise<Buffer> {
  const sharp = await loadSharp()
  const scaled = sharp(data, { raw: { width: side, height: side, channels: 4 } }).resize({
    ...spec.size,
    fit: 'fill',
    kernel: 'nearest',
  })
  return inFormat(spec.transparent ? scaled : scaled.removeAlpha(), spec).toBuffer()
}

function inFormat(picture: Sharp, { format, compression }: PictureSpec): Sharp {
  switch (format) {
    case 'png':
      return picture.png({ compressionLevel: 2 })
    case 'jpeg':
      return picture.jpeg({ quality: Math.max(1, compression) })
    case 'webp':
      // Of blocks, the lossless form is smaller and quicker than the lossy one.
      return compression === 100
        ? picture.webp({ lossless: true, effort: 0 })
        : picture.webp({ quality: Math.max(1, compression), effort: 0 })
  }
}

const CANVAS_SIDE = 192
const TILE_SIDE = 12
/** How strongly an edit shows: all of it where the mask is open, half everywhere when there is no mask. */
const OPEN_SHARE = 0.85
const UNMASKED_SHARE = 0.5

/** The first input picture, with the look laid over what the mask opens; further inputs as tiles below. */
async function paintOver({ images, mask }: PictureSpec, look: Pixels): Promise<Pixels> {
  const [first, ...others] = await Promise.all(
    images.map((image, index) => shrink(image, index === 0 ? CANVAS_SIDE : TILE_SIDE)),
  )
  if (first === undefined) return look
  const opened = mask === undefined ? undefined : await shrink(mask, CANVAS_SIDE)
  blend(first, look, opened)
  others.forEach((tile, index) => {
    pasteTile(first, tile, index)
  })
  return first
}

async function shrink({ bytes, param }: InputPicture, side: number): Promise<Pixels> {
  const sharp = await loadSharp()
  const small = sharp(bytes)
    .resize(side, side, { fit: 'fill', kernel: 'nearest' })
    .toColourspace('srgb')
    .ensureAlpha()
    .raw()
  const data = await small.toBuffer().catch(() => {
    throw unreadable(param)
  })
  return { data, side }
}

function blend(canvas: Pixels, look: Pixels, mask: Pixels | undefined): void {
  for (let at = 0; at < canvas.side ** 2; at += 1) {
    const x = at % canvas.side
    const y = (at - x) / canvas.side
    const alpha = mask?.data[at * 4 + 3]
    const share = alpha === undefined ? UNMASKED_SHARE : (1 - alpha / 255) * OPEN_SHARE
    const over = colourAt(look, scaled(x, canvas, look) + scaled(y, canvas, look) * look.side)
    canvas.data.set(mix(colourAt(canvas, at), over, share), at * 4)
  }
}

const scaled = (position: number, from: Pixels, to: Pixels) =>
  Math.floor((position * to.side) / from.side)

function colourAt({ data }: Pixels, at: number): [number, number, number] {
  return [data[at * 4] ?? 0, data[at * 4 + 1] ?? 0, data[at * 4 + 2] ?? 0]
}

function pasteTile(canvas: Pixels, tile: Pixels, index: number): void {
  const left = index * tile.side
  const top = canvas.side - tile.side
  for (let row = 0; row < tile.side; row += 1) {
    const target = ((top + row) * canvas.side + left) * 4
    tile.data.copy(canvas.data, target, row * tile.side * 4, (row + 1) * tile.side * 4)
  }
}
