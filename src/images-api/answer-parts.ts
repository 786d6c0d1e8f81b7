/** From what was read of an answer to the parts that the rest of renderq sees. */
import type { Answer, AnswerBody, AnswerNotes } from './answer-reader.ts'
import type { AnswerFacts, AnswerPart, Usage } from './contract.ts'
import { DATA_URL_STUB } from './json-outline.ts'
import type { StreamPart } from './stream-reader.ts'

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
    ...oddityWarnings(answer.oddities),
    ...answer.losses,
  ]
  const { created, ...notes } = answer.body
  return [...pictures, endOf({ created, notes, warnings }, frame)]
}

type Item = NonNullable<AnswerBody['data']>[number]

function pictureOf(item: Item, index: number, byteCount: number): AnswerPart[] {
  if (item === null) return []
  const place = { index, slot: index, byteCount }
  return pictureParts({ url: item.url, revisedPrompt: item.revised_prompt, ...place })
}

type Result = Extract<StreamPart, { kind: 'result' }>

/** `index` counts the results of the stream from zero. */
export function partsOfResult({ body, slot, byteCount }: Result, index: number): AnswerPart[] {
  const place = { index, slot, byteCount }
  return pictureParts({ url: body.url, revisedPrompt: body.revised_prompt, ...place })
}

function pictureParts(found: {
  index: number
  slot: number
  byteCount: number
  url: string | null | undefined
  revisedPrompt: string | null | undefined
}): AnswerPart[] {
  const { index, slot, byteCount, url, revisedPrompt } = found
  const revised = typeof revisedPrompt === 'string' ? { revisedPrompt } : {}
  if (byteCount > 0) return [{ kind: 'picture', index, slot, byteCount, ...revised }]
  return url && url !== DATA_URL_STUB ? [{ kind: 'picture-url', index, url, ...revised }] : []
}

/** The end of a stream that gave at least one result; `loss` says why it gave no more. */
export function endOfStream(
  results: readonly Result[],
  frame: AnswerFrame,
  loss?: string,
): AnswerPart {
  const [first] = results
  const oddities = new Set(results.flatMap((result) => [...result.oddities]))
  const warnings = [
    ...warningsOf({ asked: frame.asked, offered: results.length, got: results.length }),
    ...oddityWarnings(oddities),
    ...(loss === undefined ? [] : [`the stream broke off behind its result: ${loss}`]),
  ]
  const notes = {
    ...first?.body,
    // Each result reports its own share: the call cost all of them.
    usage: addUp(results.map(({ body }) => body.usage)),
  }
  return endOf({ created: first?.body.created_at, notes, warnings }, frame)
}

function addUp(usages: readonly (Usage | null | undefined)[]): Usage | null {
  const known = usages.filter((usage) => usage !== null && usage !== undefined)
  return known.length === 0 ? null : known.reduce(plus)
}

/** Number by number, also inside of objects. */
function plus(one: Usage, other: Usage): Usage {
  const sum = new Map(Object.entries(one))
  for (const [name, value] of Object.entries(other)) {
    const before = sum.get(name)
    if (typeof before === 'number' && typeof value === 'number') sum.set(name, before + value)
    else if (isUsage(before) && isUsage(value)) sum.set(name, plus(before, value))
    else sum.set(name, before ?? value)
  }
  return Object.fromEntries(sum)
}

const isUsage = (value: unknown): value is Usage => typeof value === 'object' && value !== null

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

const oddityWarnings = (oddities: ReadonlySet<string>): string[] =>
  [...oddities].toSorted().map((oddity) => `the base64 came ${oddity}`)

const pictures = (count: number): string => `${count} picture${count === 1 ? '' : 's'}`

interface Told {
  created: number | null | undefined
  notes: AnswerNotes
  warnings: string[]
}

function endOf({ created, notes, warnings }: Told, frame: AnswerFrame): AnswerPart {
  const { size, quality, background, output_format } = notes
  const resolved = Object.entries({ size, quality, background, output_format })
  const facts: AnswerFacts = {
    created: created ?? null,
    usage: usageOf(notes),
    requestId: frame.requestId,
    resolved: Object.fromEntries(resolved.filter(([, value]) => typeof value === 'string')),
    requestMs: frame.requestMs,
    warnings,
  }
  return { kind: 'end', facts }
}

/** The author of an svg is billed apart; what it used stands beside the tokens of the picture. */
function usageOf({ usage, svg_usage }: AnswerNotes): Usage | null {
  if (!svg_usage) return usage ?? null
  return { ...usage, svg_usage }
}
