import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspectPicture, PictureBrokenError, type PictureFacts } from '../../src/picture.ts'

interface Sample {
  name: string
  bytes: Buffer
  facts: Omit<PictureFacts, 'byteCount'>
}

const PNG = { mediaType: 'image/png', extension: 'png' } as const
const JPEG = { mediaType: 'image/jpeg', extension: 'jpg' } as const
const WEBP = { mediaType: 'image/webp', extension: 'webp' } as const
const GIF = { mediaType: 'image/gif', extension: 'gif' } as const
const SVG = { mediaType: 'image/svg+xml', extension: 'svg' } as const
const svg = '<?xml version="1.0"?>\n<svg xmlns="x" width="40" height="30"><path d="M0 0"/></svg>\n'

let folder: string
const samples: Sample[] = []
const add = (name: string, bytes: Buffer, facts: Sample['facts']) =>
  samples.push({ name, bytes, facts })

/** Noise compresses badly, so that the files have real bodies and not only headers. */
function noise(width: number, height: number, channels: 1 | 3 | 4) {
  const raw = Buffer.alloc(width * height * channels)
  for (let at = 0, state = 1; at < raw.length; at++) {
    state = (state * 48_271) % 2_147_483_647
    raw[at] = state & 0xff
  }
  return sharp(raw, { raw: { width, height, channels } })
}

function pngChunk(type: string, data = Buffer.alloc(0)): Buffer {
  const checked = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  checksum.writeUInt32BE(crc32(checked))
  return Buffer.concat([length, checked, checksum])
}

const rgb = () => noise(40, 30, 3)
const rgba = () => noise(40, 30, 4)
const pixel = () => noise(1, 1, 3)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'renderq-picture-'))
  const size = { width: 40, height: 30 }
  add('png', await rgb().png().toBuffer(), { ...PNG, ...size, hasAlpha: false })
  add('png alpha', await rgba().png().toBuffer(), { ...PNG, ...size, hasAlpha: true })
  add('png palette', await rgba().png({ palette: true }).toBuffer(), {
    ...PNG,
    ...size,
    hasAlpha: true,
  })
  add('jpeg', await rgb().jpeg().toBuffer(), { ...JPEG, ...size, hasAlpha: false })
  add(
    'jpeg progressive',
    await rgb()
      .withExif({ IFD0: { Copyright: 'x' } })
      .jpeg({ progressive: true })
      .toBuffer(),
    {
      ...JPEG,
      ...size,
      hasAlpha: false,
    },
  )
  add('webp', await rgb().webp().toBuffer(), { ...WEBP, ...size, hasAlpha: false })
  add('webp alpha', await rgba().webp().toBuffer(), { ...WEBP, ...size, hasAlpha: true })
  add('webp lossless', await rgb().webp({ lossless: true }).toBuffer(), {
    ...WEBP,
    ...size,
    hasAlpha: false,
  })
  add('webp lossless alpha', await rgba().webp({ lossless: true }).toBuffer(), {
    ...WEBP,
    ...size,
    hasAlpha: true,
  })
  add('gif', await rgb().gif().toBuffer(), { ...GIF, ...size, hasAlpha: false })
  add('svg', Buffer.from(svg), { ...SVG, ...size, hasAlpha: true })
})

afterAll(() => rm(folder, { recursive: true }))

const SAMPLE_NAMES = [
  'png',
  'png alpha',
  'png palette',
  'jpeg',
  'jpeg progressive',
  'webp',
  'webp alpha',
  'webp lossless',
  'webp lossless alpha',
  'gif',
  'svg',
]

const sampleOf = (name: string): Sample => samples.find((sample) => sample.name === name)!

const isVerdict = (verdict: PictureFacts | string): boolean =>
  typeof verdict === 'string' ? verdict.length > 0 : verdict.width > 0 && verdict.height > 0

/** What inspectPicture says, as a value. */
async function verdictOn(bytes: Uint8Array): Promise<PictureFacts | string> {
  try {
    return await inspectPicture(bytes)
  } catch (error) {
    if (error instanceof PictureBrokenError) return error.message
    throw error
  }
}

describe('a whole picture', () => {
  test.each(SAMPLE_NAMES)(
    '%s is recognised with its size, in memory and as a file',
    async (name) => {
      const { bytes, facts } = sampleOf(name)
      const file = join(folder, `${name}.bin`)
      await writeFile(file, bytes)

      const expected = { ...facts, byteCount: bytes.length }
      expect(await inspectPicture(bytes)).toEqual(expected)
      expect(await inspectPicture({ file })).toEqual(expected)
    },
  )

  test('a view into a larger buffer is read within its bounds', async () => {
    const { bytes } = sampleOf('png')
    const larger = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('after')])

    const facts = await inspectPicture(larger.subarray(6, 6 + bytes.length))

    expect(facts.byteCount).toBe(bytes.length)
  })

  test('one pixel is a picture in every format', async () => {
    const pictures = await Promise.all([
      pixel().png().toBuffer(),
      pixel().jpeg().toBuffer(),
      pixel().webp().toBuffer(),
      pixel().webp({ lossless: true }).toBuffer(),
      pixel().gif().toBuffer(),
    ])

    const facts = await Promise.all(pictures.map((bytes) => inspectPicture(bytes)))

    expect(facts.map(({ width, height }) => `${width}x${height}`)).toEqual(Array(5).fill('1x1'))
  })

  test('an animated WebP and an animated GIF have the size of their canvas', async () => {
    const frames = [noise(16, 16, 4), noise(16, 16, 4)].map((frame) => frame.png().toBuffer())
    const joined = await sharp(await Promise.all(frames), { join: { animated: true } })
      .webp({ loop: 0 })
      .toBuffer()
    const gif = await sharp(joined, { animated: true }).gif().toBuffer()

    expect(await inspectPicture(joined)).toMatchObject({ ...WEBP, width: 16, height: 16 })
    expect(await inspectPicture(gif)).toMatchObject({ ...GIF, width: 16, height: 16 })
  })

  test('a photo with data of the phone behind its end is still a photo', async () => {
    const { bytes } = sampleOf('jpeg progressive')

    const facts = await inspectPicture(Buffer.concat([bytes, Buffer.alloc(200_000, 0x41)]))

    expect(facts).toMatchObject({ width: 40, height: 30 })
  })

  test.each(['png', 'webp', 'gif'])('%s with a line end behind its end is whole', async (name) => {
    const { bytes, facts } = sampleOf(name)

    expect(await inspectPicture(Buffer.concat([bytes, Buffer.from('\r\n')]))).toMatchObject(facts)
  })

  test('a large photo with trailing data is read through in windows', async () => {
    const photo = await noise(700, 700, 3).jpeg({ quality: 95 }).toBuffer()
    const file = join(folder, 'phone.jpg')
    await writeFile(file, Buffer.concat([photo, Buffer.from('MotionPhoto')]))

    expect(photo.length).toBeGreaterThan(200_000)
    expect(await inspectPicture({ file })).toMatchObject({ width: 700, height: 700 })
    await writeFile(file, Buffer.concat([photo.subarray(0, -2), Buffer.from('MotionPhoto')]))
    await expect(inspectPicture({ file })).rejects.toThrow('cut short: JPEG without end marker')
  })
})

describe('what is not a whole picture', () => {
  test.each(SAMPLE_NAMES)('%s cut at any offset is refused', async (name) => {
    const { bytes } = sampleOf(name)
    // The last line end of a text belongs to nothing.
    const last = name === 'svg' ? bytes.length - 1 : bytes.length
    const accepted: number[] = []
    for (let length = 0; length < last; length++) {
      const verdict = await verdictOn(bytes.subarray(0, length))
      if (typeof verdict !== 'string') accepted.push(length)
    }

    expect(accepted).toEqual([])
  })

  test.each([
    ['empty: 0 bytes', ''],
    ["not a picture: begins with '<html><body>'", '<html><body>Bad gateway</body></html>'],
    ['not a picture: begins with \'{"error":\'', '{"error":\n{}}'],
    ['not a picture: begins with the bytes 0x0001020304', '\x00\x01\x02\x03\x04'],
    ["not a picture: begins with 'RIFF'", 'RIFF\x04\x00\x00\x00WAVE'],
  ])('"%s" is what the error says', async (message, text) => {
    await expect(inspectPicture(Buffer.from(text, 'latin1'))).rejects.toThrow(
      new PictureBrokenError(message),
    )
  })

  test('the error of a cut PNG names what is missing', async () => {
    const { bytes } = sampleOf('png')

    expect(await verdictOn(bytes.subarray(0, -12))).toBe('cut short: PNG without IEND')
    expect(await verdictOn(bytes.subarray(0, 100))).toBe('cut short: PNG ends inside IDAT')
  })

  test('a PNG with one flipped bit anywhere in its chunks is refused', async () => {
    const { bytes } = sampleOf('png')
    for (let at = 8; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 1
      expect(await verdictOn(damaged), `byte ${at}`).toBeTypeOf('string')
    }
  })

  test('a large PNG is checked through to its last byte, in memory and as a file', async () => {
    const bytes = await noise(300, 300, 3).png().toBuffer()
    expect(bytes.length).toBeGreaterThan(200_000)
    expect(await inspectPicture(bytes)).toMatchObject({ width: 300, height: 300 })
    bytes[bytes.length - 20]! ^= 1
    const file = join(folder, 'damaged.png')
    await writeFile(file, bytes)

    await expect(inspectPicture({ file })).rejects.toThrow(
      'damaged: the checksum of IDAT in the PNG is wrong',
    )
  })

  test.each([
    ['without data', []],
    ['with an empty chunk of data', [pngChunk('IDAT')]],
  ])('a PNG %s is refused', async (_, data) => {
    const head = sampleOf('png').bytes.subarray(0, 33)

    const verdict = await verdictOn(Buffer.concat([head, ...data, pngChunk('IEND')]))

    expect(verdict).toBe('damaged: PNG without picture data')
  })

  test('a picture of more pixels than allowed is refused by its header alone', async () => {
    const bytes = Buffer.from(sampleOf('png').bytes)
    bytes.writeUInt32BE(9_000, 16)
    bytes.writeUInt32BE(8_000, 20)
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)

    await expect(inspectPicture(bytes)).rejects.toThrow(
      'too large: 9000x8000 is more than 67,108,864 pixels',
    )
    await expect(inspectPicture(sampleOf('png').bytes, { pixelsMax: 1_199 })).rejects.toThrow(
      'too large: 40x30 is more than 1,199 pixels',
    )
    await inspectPicture(sampleOf('png').bytes, { pixelsMax: 1_200 })
  })

  test('a picture without width is refused', async () => {
    const bytes = Buffer.from(sampleOf('png').bytes)
    bytes.writeUInt32BE(0, 16)
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)

    expect(await verdictOn(bytes)).toBe('damaged: 0x30 is not a size')
  })

  test('a file that is not there fails as the file system says it', async () => {
    await expect(inspectPicture({ file: join(folder, 'missing.png') })).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

describe('hostile files', () => {
  test.each(SAMPLE_NAMES)(
    '%s with random damage is judged, never a crash or a hang',
    async (name) => {
      const { bytes } = sampleOf(name)
      const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      })
      await fc.assert(
        fc.asyncProperty(damage, fc.nat(bytes.length), async (changes, length) => {
          const damaged = Buffer.from(bytes)
          for (const [at, value] of changes) damaged[at] = value
          for (const part of [damaged, damaged.subarray(0, length)]) {
            expect(await verdictOn(part)).toSatisfy(isVerdict)
          }
        }),
        { numRuns: 300 },
      )
    },
  )

  test.each([
    [
      'PNG',
      Buffer.concat([
        Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
        pngChunk('IHDR', Buffer.alloc(13, 1)),
      ]),
      pngChunk('tEXt'),
    ],
    ['JPEG', Buffer.from('ffd8ff', 'hex'), Buffer.from([0xff])],
    ['GIF', Buffer.from('GIF89a\x01\0\x01\0\0\0\0', 'latin1'), Buffer.from('!\xfe\0', 'latin1')],
  ])('a %s of endless empty parts ends in an error', async (_, head, part) => {
    const parts = Buffer.alloc(part.length * 400_000, part)

    const verdict = await verdictOn(Buffer.concat([head, parts]))

    expect(verdict).toMatch(/^damaged: .* too many /)
  })
})
