import { createHash } from 'node:crypto'
import type { Spoil } from './faults.ts'
import type { PictureFormat } from './models.ts'
import { markPicture, padPicture } from './picture-chunks.ts'
import { drawPicture } from './pictures.ts'
import { htmlPage } from './refusals.ts'
import type { CheckedCall } from './rules.ts'

export interface MadePicture {
  bytes: Buffer
  /** What the bytes are, unless they are no picture at all. */
  format: PictureFormat
}

const MEGABYTE = 1_000_000

/**
 * The pictures of one paid call, spoiled if a fault says so. One after the other: ten large pictures at
 * once would need ten times the memory.
 */
export async function makePictures(
  call: CheckedCall,
  nonce: string,
  spoil: Spoil | undefined,
): Promise<MadePicture[]> {
  const pictures: MadePicture[] = []
  for (let index = 0; index < countOf(call, spoil); index += 1) {
    const picture = await makePicture({ ...call, format: formatOf(call, spoil) }, index, nonce)
    pictures.push(spoilPicture(picture, spoil))
  }
  return pictures
}

function countOf(call: CheckedCall, spoil: Spoil | undefined): number {
  if (spoil?.kind === 'empty_data') return 0
  if (spoil?.kind === 'fewer_pictures') return Math.max(0, call.n - spoil.missing)
  return call.n
}

function formatOf(call: CheckedCall, spoil: Spoil | undefined): PictureFormat {
  if (spoil?.kind !== 'wrong_format') return call.format
  return call.format === 'jpeg' ? 'png' : 'jpeg'
}

async function makePicture(call: CheckedCall, index: number, nonce: string): Promise<MadePicture> {
  const transparent = call.background === 'transparent'
  const bytes = await drawPicture({ ...call, transparent, seed: seedOf(call, index) })
  return { bytes: markPicture(bytes, call.format, nonce), format: call.format }
}

/** The same request looks the same each time. A variation has no prompt: its picture stands for it. */
function seedOf({ prompt, model, images }: CheckedCall, index: number): string {
  const subject = prompt === '' ? digestOf(images[0]?.bytes ?? Buffer.alloc(0)) : prompt
  return JSON.stringify([subject, model.id, index])
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

function spoilPicture(picture: MadePicture, spoil: Spoil | undefined): MadePicture {
  const { bytes, format } = picture
  if (spoil?.kind === 'not_a_picture') return { bytes: Buffer.from(htmlPage(200)), format }
  if (spoil?.kind !== 'huge') return picture
  const missing = Math.max(0, spoil.megabytes * MEGABYTE - bytes.length)
  return { bytes: padPicture(bytes, format, missing), format }
}
