/** What the tests with the official SDK share: connecting it, making pictures and judging those that come back. */
import OpenAI, { toFile } from 'openai'
import sharp from 'sharp'
import { expect } from 'vitest'
import type { FaultRule } from '../../src/emulator/faults.ts'
import { type Emulator, startEmulator } from '../../src/emulator/server.ts'

export const connect = (
  emulator: Emulator,
  options: { apiKey?: string; maxRetries?: number } = {},
) => new OpenAI({ baseURL: emulator.baseUrl, apiKey: 'sk-test', maxRetries: 0, ...options })

export const withFault = (fault: FaultRule['fault'], times = 1) =>
  startEmulator({ faults: [{ times, fault }] })

/** Decodes every pixel: a file that only looks like a picture fails here. */
export async function decode(base64: string | undefined) {
  const bytes = Buffer.from(base64 ?? '', 'base64')
  const { info } = await sharp(bytes, { failOn: 'warning' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  const { format } = await sharp(bytes).metadata()
  return { format, width: info.width, height: info.height }
}

export interface Look {
  colour?: { r: number; g: number; b: number }
  /** The left half is fully transparent. */
  hole?: boolean
}

export const BLUE = { r: 90, g: 120, b: 200 }
export const RED = { r: 200, g: 40, b: 30 }

export async function photo(
  width: number,
  height: number,
  { colour = BLUE, hole = false }: Look = {},
) {
  const pixel = (x: number) => [colour.r, colour.g, colour.b, hole && x < width / 2 ? 0 : 255]
  const data = Array.from({ length: width * height }, (_, at) => pixel(at % width)).flat()
  const raw = { width, height, channels: 4 } as const
  const png = sharp(Uint8Array.from(data), { raw }).png()
  return toFile(await png.toBuffer(), 'photo.png', { type: 'image/png' })
}

/** The colours of the answer's first picture, by position. */
export async function pixelsOf(answer: OpenAI.ImagesResponse) {
  const bytes = Buffer.from(answer.data?.[0]?.b64_json ?? '', 'base64')
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return (x: number, y: number) => {
    const [r, g, b] = data.subarray((y * info.width + x) * 3)
    return { r, g, b }
  }
}

export async function errorOf<E extends Error>(
  call: Promise<unknown>,
  type: new (...args: never[]) => E,
) {
  const error = await call.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(type)
  return error as E
}
