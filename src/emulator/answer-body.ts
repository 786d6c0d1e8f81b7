import { randomUUID } from 'node:crypto'
import type { Spoil } from './faults.ts'
import type { MadePicture } from './make-pictures.ts'
import type { CheckedCall } from './rules.ts'
import { usageOf } from './usage.ts'

interface AnswerExtras {
  spoil: Spoil | undefined
  /** The URL of a picture, for models that answer with one. */
  linkTo(picture: MadePicture): string
}

/** The JSON of a good answer. */
export function answerBody(
  call: CheckedCall,
  pictures: readonly MadePicture[],
  { spoil, linkTo }: AnswerExtras,
): Buffer {
  const slot = randomUUID()
  const inline = call.answerAs === 'b64_json'
  const data = pictures.map((picture) => ({
    ...revisedPrompt(call),
    ...(inline ? { b64_json: slot } : { url: linkTo(picture) }),
  }))
  const created = Math.floor(Date.now() / 1_000)
  const json = JSON.stringify({ created, ...resolvedValues(call), data, ...bill(call) })
  return inline ? fillSlots(json.split(slot), pictures, spoil) : Buffer.from(json)
}

/**
 * Writes the base64 of each picture between the pieces of JSON. Built as one string instead, an answer
 * of ten large pictures would be longer than a string can be.
 */
function fillSlots(
  pieces: readonly string[],
  pictures: readonly MadePicture[],
  spoil: Spoil | undefined,
): Buffer {
  const lengths = pictures.map(({ bytes }) => Math.ceil(bytes.length / 3) * 4)
  const pieceBytes = pieces.reduce((total, piece) => total + Buffer.byteLength(piece), 0)
  const body = Buffer.allocUnsafe(lengths.reduce((total, length) => total + length, pieceBytes))
  let end = 0
  pieces.forEach((piece, index) => {
    end += body.write(piece, end)
    const picture = pictures[index]
    if (picture !== undefined) end += body.write(base64Of(picture.bytes, spoil), end, 'latin1')
  })
  return body
}

function base64Of(bytes: Buffer, spoil: Spoil | undefined): string {
  const text = bytes.toString('base64')
  if (spoil?.kind !== 'bad_base64') return text
  const middle = Math.floor(text.length / 2)
  return `${text.slice(0, middle)}!${text.slice(middle + 1)}`
}

function revisedPrompt({ model, prompt }: CheckedCall) {
  return model.family === 'dall-e-3' ? { revised_prompt: `As the emulator sees it: ${prompt}` } : {}
}

/** The older models say neither what `auto` became nor what was charged. */
function resolvedValues({ model, background, format, quality, size }: CheckedCall) {
  if (model.family !== 'gpt-image') return {}
  return { background, output_format: format, quality, size: `${size.width}x${size.height}` }
}

function bill(call: CheckedCall) {
  const usage = usageOf(call)
  const { safetyIdentifier } = call
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(safetyIdentifier === undefined ? {} : { safety_identifier: safetyIdentifier }),
  }
}
