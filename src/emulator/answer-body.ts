/** The JSON of a good answer that comes whole. */
import { randomUUID } from 'node:crypto'
import { type BodyPart, fillSlots } from './body-parts.ts'
import type { MadePicture } from './make-pictures.ts'
import type { CheckedCall } from './rules.ts'
import { svgUsageOf, usageOf } from './usage.ts'

/** `linkTo` gives the URL of a picture, for models that answer with one. */
export function answerBody(
  call: CheckedCall,
  pictures: readonly MadePicture[],
  linkTo: (picture: MadePicture) => string,
): BodyPart[] {
  const slot = randomUUID()
  const isInline = call.answerAs === 'b64_json'
  const data = pictures.map((picture) => ({
    ...revisedPrompt(call),
    ...(isInline ? { b64_json: slot } : { url: linkTo(picture) }),
  }))
  const created = Math.floor(Date.now() / 1_000)
  const json = JSON.stringify({ created, ...resolvedValues(call), data, ...bill(call) })
  return fillSlots(json, slot, isInline ? pictures : [])
}

function revisedPrompt({ model, prompt }: CheckedCall) {
  return model.family === 'dall-e-3' ? { revised_prompt: `As the emulator sees it: ${prompt}` } : {}
}

/** The older models say neither what `auto` became nor what was charged. */
export function resolvedValues({ model, background, format, quality, size }: CheckedCall) {
  if (model.family !== 'gpt-image') return {}
  return { background, output_format: format, quality, size: `${size.width}x${size.height}` }
}

function bill(call: CheckedCall) {
  const usage = usageOf(call)
  const svgUsage = svgUsageOf(call)
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(svgUsage === undefined ? {} : { svg_usage: svgUsage }),
    ...identity(call),
  }
}

export function identity({ safetyIdentifier }: CheckedCall) {
  return safetyIdentifier === undefined ? {} : { safety_identifier: safetyIdentifier }
}
