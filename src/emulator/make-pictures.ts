import { createHash } from 'node:crypto'
import type { Spoil } from './fault-kinds.ts'
import type { PictureFormat } from './models.ts'
import { markPicture, padPicture } from './picture-chunks.ts'
import { drawPicture } from './pictures.ts'
import { htmlPage } from './refusals.ts'
import type { CheckedCall } from './rules.ts'

export interface MadePicture {
  bytes: Buffer
  /** What the bytes are, unless they are no picture at all. */
  format: PictureFormat
  /** Its base64 has a character that base64 does not have. */
  isFlawed: boolean
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
    pictures.push(await makePicture(call, { index, mark: nonce, spoil }))
  }
  return pictures
}

/**
 * What a stream shows on the way to each of the `n` pictures. They don't have the nonce of the call: one
 * that was taken for a result is found out by that.
 */
export async function makePreviews(
  call: CheckedCall,
  spoil: Spoil | undefined,
): Promise<MadePicture[][]> {
  const partialImages = call.streaming?.partialImages ?? 0
  const previews: MadePicture[][] = []
  for (let index = 0; index < call.n; index += 1) {
    const early: MadePicture[] = []
    for (let partial = 0; partial < partialImages; partial += 1) {
      const progress = (partial + 1) / (partialImages + 1)
      early.push(await makePicture(call, { index, mark: `partial ${partial}`, spoil, progress }))
    }
    previews.push(early)
  }
  return previews
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

interface Making {
  /** Among the `n`. */
  index: number
  /** Written into the file. */
  mark: string
  spoil: Spoil | undefined
  progress?: number
}

async function makePicture(
  call: CheckedCall,
  { index, mark, spoil, ...progress }: Making,
): Promise<MadePicture> {
  const format = formatOf(call, spoil)
  const animation = format === 'gif' ? call.animation : undefined
  const seed = seedOf(call, index)
  const bytes = await drawPicture({ ...call, format, animation, seed, ...progress })
  return spoilPicture({ bytes: markPicture(bytes, format, mark), format, isFlawed: false }, spoil)
}

/** The same request looks the same each time. A variation has no prompt: its picture stands for it. */
function seedOf({ prompt, model, images }: CheckedCall, index: number): string {
  const subject = prompt === '' ? digestOf(images[0]?.bytes ?? Buffer.alloc(0)) : prompt
  return JSON.stringify([subject, model.id, index])
}

const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

function spoilPicture(picture: MadePicture, spoil: Spoil | undefined): MadePicture {
  const { bytes, format } = picture
  if (spoil?.kind === 'not_a_picture') return { ...picture, bytes: Buffer.from(htmlPage(200)) }
  if (spoil?.kind === 'bad_base64') return { ...picture, isFlawed: true }
  if (spoil?.kind !== 'huge') return picture
  const missing = Math.max(0, spoil.megabytes * MEGABYTE - bytes.length)
  return { ...picture, bytes: padPicture(bytes, format, missing) }
}
