/** From a whole answer to the parts that the rest of renderq sees. */
import type { Answer, AnswerBody } from './answer-reader.ts'
import type { AnswerFacts, AnswerPart } from './contract.ts'

export interface AnswerFrame {
  /** The request's `n`. */
  asked: number
  requestId: string | null
  requestMs: number
}

/** The pictures in the order of the answer, and `end`, which is alone when there is no picture. */
export function partsOf(answer: Answer, frame: AnswerFrame): AnswerPart[] {
  const items = answer.body.data ?? []
  const pictures = items
    .slice(0, frame.asked)
    .flatMap((item, index) => pictureOf(item, index, answer.pictureByteCounts.get(index) ?? 0))
  const warnings = [
    ...warningsOf({ asked: frame.asked, offered: items.length, got: pictures.length }),
    ...[...answer.oddities].toSorted().map((oddity) => `the base64 came ${oddity}`),
  ]
  return [...pictures, { kind: 'end', facts: factsOf(answer.body, frame, warnings) }]
}

type Item = NonNullable<AnswerBody['data']>[number]

function pictureOf(item: Item, index: number, byteCount: number): AnswerPart[] {
  if (item === null) return []
  const revised =
    typeof item.revised_prompt === 'string' ? { revisedPrompt: item.revised_prompt } : {}
  if (byteCount > 0) return [{ kind: 'picture', index, byteCount, ...revised }]
  return item.url ? [{ kind: 'picture-url', index, url: item.url, ...revised }] : []
}

function warningsOf(count: { asked: number; offered: number; got: number }): string[] {
  const { asked, offered, got } = count
  const warnings: string[] = []
  if (got < asked) warnings.push(`asked for ${pictures(asked)}, got ${got}`)
  if (offered > asked) {
    warnings.push(
      `asked for ${pictures(asked)}, the answer held ${offered}: the others were dropped`,
    )
  }
  return warnings
}

const pictures = (count: number): string => `${count} picture${count === 1 ? '' : 's'}`

function factsOf(body: AnswerBody, frame: AnswerFrame, warnings: string[]): AnswerFacts {
  const { size, quality, background, output_format } = body
  const resolved = Object.entries({ size, quality, background, output_format })
  return {
    created: body.created ?? null,
    usage: body.usage ?? null,
    requestId: frame.requestId,
    resolved: Object.fromEntries(resolved.filter(([, value]) => typeof value === 'string')),
    requestMs: frame.requestMs,
    warnings,
  }
}
