/**
 * How an emulated picture looks: a mirrored block figure on a gradient, all of it from one seed, so the
 * same prompt always looks the same and two prompts never do. Small on purpose: it is scaled up later.
 */
import { createHash } from 'node:crypto'

/** A small raw RGBA picture. */
export interface Pixels {
  data: Buffer
  side: number
}

const LOOK_SIDE = 24
const FIGURE_CELLS = 8
const FIGURE_START = 4
const CELL_SIDE = 2

export function pixelsOfSeed(seed: string, transparent: boolean): Pixels {
  const hash = createHash('sha256').update(seed).digest()
  const [top, bottom, figure] = coloursOf(hash)
  const data = Buffer.alloc(LOOK_SIDE * LOOK_SIDE * 4)
  for (let at = 0; at < LOOK_SIDE * LOOK_SIDE; at += 1) {
    const x = at % LOOK_SIDE
    const y = (at - x) / LOOK_SIDE
    const inFigure = isFigure(hash, x, y)
    const colour = inFigure ? figure : mix(top, bottom, (x + 2 * y) / (3 * LOOK_SIDE))
    data.set([...colour, inFigure || !transparent ? 255 : 0], at * 4)
  }
  return { data, side: LOOK_SIDE }
}

type Colour = [red: number, green: number, blue: number]

function coloursOf(hash: Buffer): [Colour, Colour, Colour] {
  const hue = ((hash[0] ?? 0) / 255) * 360
  const turn = 40 + ((hash[1] ?? 0) / 255) * 80
  return [fromHsl(hue, 0.55, 0.86), fromHsl(hue + turn, 0.5, 0.72), fromHsl(hue + 180, 0.6, 0.38)]
}

/** One bit of the hash for each cell of the left half; the right half mirrors it. */
function isFigure(hash: Buffer, x: number, y: number): boolean {
  const column = Math.floor((x - FIGURE_START) / CELL_SIDE)
  const row = Math.floor((y - FIGURE_START) / CELL_SIDE)
  const outside = column < 0 || row < 0 || column >= FIGURE_CELLS || row >= FIGURE_CELLS
  if (outside) return false
  const mirrored = Math.min(column, FIGURE_CELLS - 1 - column)
  const bits = hash[2 + row] ?? 0
  return ((bits >> mirrored) & 1) === 1
}

export function mix(from: Readonly<Colour>, to: Readonly<Colour>, share: number): Colour {
  const blend = (a: number, b: number) => Math.round(a + (b - a) * share)
  return [blend(from[0], to[0]), blend(from[1], to[1]), blend(from[2], to[2])]
}

/** As it was on the way to being ready: `share` of it there, the rest still grey. */
export function unfinished({ data, side }: Pixels, share: number): Pixels {
  const early = Buffer.from(data)
  for (let at = 0; at < side * side; at += 1) {
    const [red = 0, green = 0, blue = 0] = data.subarray(at * 4)
    early.set(mix([128, 128, 128], [red, green, blue], share), at * 4)
  }
  return { data: early, side }
}

/** Moved up by some rows; what leaves at the top comes back at the bottom. */
export function rolled({ data, side }: Pixels, rows: number): Pixels {
  const cut = (rows % side) * side * 4
  return { data: Buffer.concat([data.subarray(cut), data.subarray(0, cut)]), side }
}

/** As raw blocks of the asked size; ten times quicker than a resampler, which looks at each pixel for itself. */
export function enlarged(
  { data, side }: Pixels,
  { width, height, channels }: { width: number; height: number; channels: 3 | 4 },
): Buffer {
  const line = width * channels
  const large = Buffer.allocUnsafe(line * height)
  let drawn: number | undefined
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor((y * side) / height)
    const at = y * line
    if (row === drawn) large.copy(large, at, at - line, at)
    else drawLine(large.subarray(at, at + line), data.subarray(row * side * 4), { side, channels })
    drawn = row
  }
  return large
}

function drawLine(
  line: Buffer,
  pixels: Buffer,
  { side, channels }: { side: number; channels: number },
): void {
  const width = line.length / channels
  for (let x = 0; x < width; x += 1) {
    const from = Math.floor((x * side) / width) * 4
    for (let channel = 0; channel < channels; channel += 1) {
      line[x * channels + channel] = pixels[from + channel] ?? 0
    }
  }
}

/** Hue in degrees, any turn; saturation and lightness 0 to 1. */
function fromHsl(hue: number, saturation: number, lightness: number): Colour {
  const reach = saturation * Math.min(lightness, 1 - lightness)
  const channel = (offset: number) => {
    const k = (offset + hue / 30) % 12
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}
