/** Real pictures in every form the program knows, and all the ways to break them. */
import sharp, { type Sharp } from 'sharp'

export interface Sample {
  name: string
  bytes: Buffer
}

/** Noise compresses badly, so that the files have real bodies and not only headers. */
function noise(width: number, height: number, channels: 1 | 3 | 4): Sharp {
  const raw = Buffer.alloc(width * height * channels)
  for (let at = 0, state = 1; at < raw.length; at += 1) {
    state = (state * 48_271) % 2_147_483_647
    raw[at] = state & 0xff
  }
  return sharp(raw, { raw: { width, height, channels } })
}

export async function samplePictures(): Promise<Sample[]> {
  const rgb = () => noise(48, 36, 3)
  const rgba = () => noise(48, 36, 4)
  const frame = async () => await rgba().png().toBuffer()
  const animated = async () => sharp([await frame(), await frame()], { join: { animated: true } })
  const svg =
    '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="48" height="36"><path d="M0 0h9v9z"/></svg>'
  const makers: Record<string, Promise<Buffer>> = {
    png: rgb().png().toBuffer(),
    'png alpha': rgba().png().toBuffer(),
    'png palette': rgba().png({ palette: true }).toBuffer(),
    'png interlaced': rgb().png({ progressive: true }).toBuffer(),
    'png 16 bit': rgb().toColourspace('rgb16').png().toBuffer(),
    'png grey': noise(48, 36, 1).png().toBuffer(),
    jpeg: rgb().jpeg().toBuffer(),
    'jpeg progressive': rgb().jpeg({ progressive: true, quality: 95 }).toBuffer(),
    'jpeg exif': rgb()
      .withExif({ IFD0: { Copyright: 'x' } })
      .jpeg()
      .toBuffer(),
    webp: rgb().webp().toBuffer(),
    'webp alpha': rgba().webp().toBuffer(),
    'webp lossless': rgb().webp({ lossless: true }).toBuffer(),
    'webp animated': animated().then((picture) => picture.webp().toBuffer()),
    gif: rgb().gif().toBuffer(),
    'gif animated': animated().then((picture) => picture.gif().toBuffer()),
    svg: Promise.resolve(Buffer.from(svg)),
  }
  const names = Object.keys(makers)
  const pictures = await Promise.all(Object.values(makers))
  return pictures.map((bytes, index) => ({ name: names[index] ?? '', bytes }))
}

type Break = (bytes: Buffer, random: () => number) => Buffer

const anywhere = (bytes: Buffer, random: () => number) => Math.floor(random() * bytes.length)

export const BREAKS: Readonly<Record<string, Break>> = {
  'cut short': (bytes, random) => bytes.subarray(0, anywhere(bytes, random)),
  'one bit flipped': (bytes, random) => {
    const broken = Buffer.from(bytes)
    const at = anywhere(bytes, random)
    broken.writeUInt8(broken.readUInt8(at) ^ (1 << Math.floor(random() * 8)), at)
    return broken
  },
  'a few bytes changed': (bytes, random) => {
    const broken = Buffer.from(bytes)
    for (let count = 0; count < 1 + random() * 8; count += 1) {
      broken[anywhere(bytes, random)] = Math.floor(random() * 256)
    }
    return broken
  },
  'a byte of the header changed': (bytes, random) => {
    const broken = Buffer.from(bytes)
    broken[Math.floor(random() * Math.min(64, bytes.length))] = Math.floor(random() * 256)
    return broken
  },
  'a lying number': (bytes, random) => {
    const broken = Buffer.from(bytes)
    const lie =
      [0, 1, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff, bytes.length][
        anywhere(bytes, random) % 6
      ] ?? 0
    const at = Math.floor(random() * (bytes.length - 4))
    if (random() < 0.5) broken.writeUInt32BE(lie, at)
    else broken.writeUInt32LE(lie, at)
    return broken
  },
  'a hole in the middle': (bytes, random) => {
    const from = anywhere(bytes, random)
    const to = from + Math.floor(random() * (bytes.length - from))
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  'a piece twice': (bytes, random) => {
    const from = anywhere(bytes, random)
    const to = from + Math.floor(random() * (bytes.length - from))
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
  },
  'zeros in the middle': (bytes, random) => {
    const from = anywhere(bytes, random)
    return Buffer.from(bytes).fill(0, from, from + Math.floor(random() * (bytes.length - from)))
  },
  'letters behind the end': (bytes, random) =>
    Buffer.concat([bytes, Buffer.alloc(Math.floor(random() * 5_000), 'x')]),
  'cut, with an end put back': (bytes, random) =>
    Buffer.concat([bytes.subarray(0, anywhere(bytes, random)), bytes.subarray(-12)]),
}
