/**
 * Scripted trouble. A rule says which calls it meets, how often, and what goes wrong; rules come from a
 * file or over the control plane, so they are parsed strictly. What a fault does to an answer is in
 * refusals.ts, make-pictures.ts and delivery.ts, one file for each of the three groups below.
 */
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { type Operation, OPERATIONS } from './models.ts'

const DelayMs = z.int().min(0).max(3_600_000)
/** The pictures were made and are charged, although the client never gets to see them. */
const Paid = z.boolean().default(false)

/** Instead of pictures. */
const REFUSALS = [
  z.strictObject({
    kind: z.literal('rate_limit'),
    hint: z.enum(['retry-after-ms', 'retry-after', 'http-date', 'none']).default('retry-after-ms'),
    delayMs: DelayMs.default(1_000),
  }),
  z.strictObject({
    kind: z.literal('server_error'),
    status: z.literal([500, 502, 503, 504]).default(500),
    paid: Paid,
  }),
  z.strictObject({
    kind: z.literal('moderation'),
    stage: z.enum(['input', 'output', 'unknown']).default('input'),
    categories: z.array(z.string().min(1)).default(['violence']),
  }),
  z.strictObject({ kind: z.literal('bad_key') }),
  z.strictObject({
    kind: z.literal('quota'),
    code: z
      .enum([
        'insufficient_quota',
        'credit_balance_exhausted',
        'organization_spend_limit_exceeded',
        'project_spend_limit_exceeded',
        'organization_usage_limit_exceeded',
      ])
      .default('insufficient_quota'),
  }),
  z.strictObject({ kind: z.literal('billing_hard_limit_reached') }),
  /** Any other error in the API's shape. */
  z.strictObject({
    kind: z.literal('error'),
    status: z.int().min(400).max(599),
    message: z.string().default('The emulator was told to answer with this error.'),
    type: z.string().nullable().default('invalid_request_error'),
    code: z.string().nullable().default(null),
    param: z.string().nullable().default(null),
    headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string().regex(/^[ -~]*$/)).default({}),
    paid: Paid,
  }),
  /** What a proxy in front of the API would say. */
  z.strictObject({
    kind: z.literal('html'),
    status: z.int().min(200).max(599).default(502),
    paid: Paid,
  }),
  /** The connection is reset after the request was read and before any answer. */
  z.strictObject({ kind: z.literal('reset'), paid: Paid }),
] as const

/** In the pictures or in the list of them. These calls are paid. */
const SPOILS = [
  z.strictObject({ kind: z.literal('bad_base64') }),
  z.strictObject({ kind: z.literal('not_a_picture') }),
  z.strictObject({ kind: z.literal('fewer_pictures'), missing: z.int().min(1).max(10).default(1) }),
  z.strictObject({ kind: z.literal('empty_data') }),
  z.strictObject({ kind: z.literal('wrong_format') }),
  /** Each picture is this large and still decodes. */
  z.strictObject({ kind: z.literal('huge'), megabytes: z.int().min(1).max(256) }),
] as const

/** On the way of a good answer. These calls are paid. */
const DELIVERIES = [
  z.strictObject({ kind: z.literal('slow_headers'), delayMs: DelayMs }),
  z.strictObject({
    kind: z.literal('slow_body'),
    chunkBytes: z.int().min(1).max(1_048_576).default(1_024),
    intervalMs: z.int().min(1).max(600_000).default(100),
  }),
  z.strictObject({
    kind: z.literal('cut_body'),
    /** `close`: without any length, so that only the JSON itself tells that something is missing. */
    framing: z.enum(['content-length', 'chunked', 'close']).default('content-length'),
    /** The share of the body that still arrives. */
    share: z.number().min(0).max(1).default(0.5),
  }),
  /** The answer is whole, but its URLs fail at first. Nothing, where pictures come inline. */
  z.strictObject({
    kind: z.literal('file_error'),
    status: z.int().min(400).max(599).default(503),
    /** How often each URL fails before it works. */
    times: z.int().min(1).default(1),
  }),
] as const

const Refusal = z.discriminatedUnion('kind', REFUSALS)
const Spoil = z.discriminatedUnion('kind', SPOILS)
const Delivery = z.discriminatedUnion('kind', DELIVERIES)
export type Refusal = z.output<typeof Refusal>
export type Spoil = z.output<typeof Spoil>
export type Delivery = z.output<typeof Delivery>
export type Fault = Refusal | Spoil | Delivery

const KINDS = [...REFUSALS, ...SPOILS, ...DELIVERIES].map(({ shape }) => shape.kind.value)

const FaultRuleSchema = z.strictObject({
  /** Everything given must hold; nothing given meets every call. */
  match: z
    .strictObject({
      operation: z.enum(OPERATIONS).optional(),
      model: z.string().min(1).optional(),
      promptIncludes: z.string().min(1).optional(),
      /** Ordinals of calls since the emulator started, from 1. */
      callNumbers: z.array(z.int().min(1)).min(1).optional(),
    })
    .default({}),
  /** How often the rule applies; absent: without end. */
  times: z.int().min(1).optional(),
  fault: z.discriminatedUnion('kind', [...REFUSALS, ...SPOILS, ...DELIVERIES], {
    error: () => `needs a kind: one of ${KINDS.join(', ')}`,
  }),
})
/** A rule as it is written, defaults left out. */
export type FaultRule = z.input<typeof FaultRuleSchema>
type ParsedRule = z.output<typeof FaultRuleSchema>

/** Refuses what is not a list of rules, naming each problem and its place. */
export function parseFaultRules(input: unknown): FaultRule[] {
  return parse(input)
}

function parse(input: unknown): ParsedRule[] {
  const parsed = z
    .array(FaultRuleSchema, { error: () => 'must be a list of rules' })
    .safeParse(input)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${['faults', ...path].join('.')}: ${message}`,
  )
  throw new ConfigError(`bad fault rules: ${problems.join('; ')}`)
}

interface CallToMatch {
  number: number
  operation: Operation
  model: string
  prompt: string
}

/** The rules in force. The first that meets a call decides; a rule that is used up is gone. */
export class FaultBook {
  #rules: { rule: ParsedRule; left: number }[] = []

  /** Throws ConfigError and adds nothing when any rule is bad. */
  add(rules: unknown): void {
    this.#rules.push(...parse(rules).map((rule) => ({ rule, left: rule.times ?? Infinity })))
  }

  clear(): void {
    this.#rules = []
  }

  take(call: CallToMatch): Fault | undefined {
    const entry = this.#rules.find(({ rule }) => meets(rule, call))
    if (entry === undefined) return undefined
    entry.left -= 1
    if (entry.left === 0) this.#rules = this.#rules.filter((other) => other !== entry)
    return entry.rule.fault
  }
}

function meets({ match }: ParsedRule, call: CallToMatch): boolean {
  return (
    (match.operation === undefined || match.operation === call.operation) &&
    (match.model === undefined || match.model === call.model) &&
    (match.promptIncludes === undefined || call.prompt.includes(match.promptIncludes)) &&
    (match.callNumbers === undefined || match.callNumbers.includes(call.number))
  )
}

const isOneOf =
  (schemas: readonly { shape: { kind: { value: string } } }[]) => (fault: Fault | undefined) =>
    fault !== undefined && schemas.some(({ shape }) => shape.kind.value === fault.kind)

export const isRefusal = isOneOf(REFUSALS) as (fault: Fault | undefined) => fault is Refusal
export const isSpoil = isOneOf(SPOILS) as (fault: Fault | undefined) => fault is Spoil
export const isDelivery = isOneOf(DELIVERIES) as (fault: Fault | undefined) => fault is Delivery
