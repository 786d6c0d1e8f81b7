/**
 * Draws the emulator's pictures: real files of exactly the asked size and format. Everything is drawn
 * tiny and scaled up without smoothing, which keeps a 4K picture cheap to make and small in bytes.
 */
import { type InputPicture, type InputPictures, unreadable } from './input-pictures.ts'
import { encodePicture, type FileSpec, loadSharp } from './picture-encoding.ts'
import { mix, type Pixels, pixelsOfSeed, unfinished } from './picture-look.ts'

export interface PictureSpec extends InputPictures, FileSpec {
  /** Decides the look. */
  seed: string
  /** Of a picture on the way: how far it is, below 1. */
  progress?: number
}

export async function drawPicture(spec: PictureSpec): Promise<Buffer> {
  const look = pixelsOfSeed(spec.seed, spec.background === 'transparent')
  const picture = spec.images.length === 0 ? look : await paintOver(spec, look)
  const { progress } = spec
  return encodePicture(progress === undefined ? picture : unfinished(picture, progress), spec)
}

const CANVAS_SIDE = 192
const TILE_SIDE = 12
/** How strongly an edit shows: all of it where the mask is open, half everywhere when there is no mask. */
const OPEN_SHARE = 0.85
const UNMASKED_SHARE = 0.5

/**
 * The first input picture, with the look laid over what the mask opens and the markup over that; further
 * inputs as tiles below.
 */
async function paintOver({ images, mask, markup }: PictureSpec, look: Pixels): Promise<Pixels> {
  const [first, ...others] = await Promise.all(
    images.map((image, index) => shrink(image, index === 0 ? CANVAS_SIDE : TILE_SIDE)),
  )
  if (first === undefined) return look
  const opened = mask === undefined ? undefined : await shrink(mask, CANVAS_SIDE)
  blend(first, look, opened)
  if (markup !== undefined) layOver(first, await shrink(markup, CANVAS_SIDE))
  others.forEach((tile, index) => {
    pasteTile(first, tile, index)
  })
  return first
}

async function shrink({ bytes, param }: InputPicture, side: number): Promise<Pixels> {
  const sharp = await loadSharp()
  const small = sharp(bytes)
    .autoOrient()
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

function layOver(canvas: Pixels, markup: Pixels): void {
  for (let at = 0; at < canvas.side ** 2; at += 1) {
    const share = (markup.data[at * 4 + 3] ?? 0) / 255
    canvas.data.set(mix(colourAt(canvas, at), colourAt(markup, at), share), at * 4)
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
