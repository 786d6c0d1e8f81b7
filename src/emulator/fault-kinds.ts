/**
 * What can be made to go wrong, as schemas: four groups by where in an answer it happens. What a fault does
 * is in refusals.ts, make-pictures.ts, delivery.ts and stream-body.ts.
 */
import { z } from 'zod'
import { KNOWN_ERROR_NAMES } from './known-errors.ts'

const DelayMs = z.int().min(0).max(3_600_000)
/** The pictures were made and are charged, although the client never gets to see them. */
const Paid = z.boolean().default(false)

/** Instead of pictures. */
const REFUSALS = [
  z.strictObject({
    kind: z.literal('rate_limit'),
    limit: z.enum(['input-images', 'requests', 'tokens']).default('input-images'),
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
  z.strictObject({
    kind: z.literal('billing_hard_limit_reached'),
    status: z.literal([400, 429]).default(400),
  }),
  /** Other errors that are known from the API, by a name; see known-errors.ts. */
  z.strictObject({ kind: z.literal('known_error'), name: z.enum(KNOWN_ERROR_NAMES) }),
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

/** In the events of a stream. Their rules meet only calls that stream. */
const STREAM_FAULTS = [
  /** The stream ends with an error. */
  z.strictObject({
    kind: z.literal('stream_error'),
    /** How many partial pictures come before it; at most those that were asked for. */
    afterPartials: z.int().min(0).max(3).default(0),
    /** `event`: under that name, with an `error` in it; `flat`: the fields themselves; `data`: without a name. */
    form: z.enum(['event', 'flat', 'data']).default('event'),
    message: z.string().default('The server had an error while processing your request.'),
    type: z.string().nullable().default('server_error'),
    code: z.string().nullable().default('server_error'),
    param: z.string().nullable().default(null),
    paid: Paid,
  }),
  /** The same events in another dress; every one of them is within the standard. */
  z.strictObject({
    kind: z.literal('stream_framing'),
    lineEnd: z.enum(['lf', 'crlf', 'cr']).default('lf'),
    byteOrderMark: z.boolean().default(false),
    comments: z.boolean().default(false),
    space: z.boolean().default(true),
    eventLines: z.boolean().default(true),
    splitData: z.boolean().default(false),
    keyOrder: z.enum(['documented', 'alphabetical']).default('documented'),
    done: z.boolean().default(false),
  }),
  /** Nothing but comments for a while. */
  z.strictObject({
    kind: z.literal('stream_heartbeats'),
    intervalMs: z.int().min(1).max(600_000).default(1_000),
    forMs: z.int().min(1).max(3_600_000).default(10_000),
  }),
] as const

const Refusal = z.discriminatedUnion('kind', REFUSALS)
const Spoil = z.discriminatedUnion('kind', SPOILS)
const Delivery = z.discriminatedUnion('kind', DELIVERIES)
const StreamFault = z.discriminatedUnion('kind', STREAM_FAULTS)
export type Refusal = z.output<typeof Refusal>
export type Spoil = z.output<typeof Spoil>
export type Delivery = z.output<typeof Delivery>
export type StreamFault = z.output<typeof StreamFault>
export type Fault = Refusal | Spoil | Delivery | StreamFault

export const FAULTS = [...REFUSALS, ...SPOILS, ...DELIVERIES, ...STREAM_FAULTS] as const
export const FAULT_KINDS = FAULTS.map(({ shape }) => shape.kind.value)

const isOneOf =
  (schemas: readonly { shape: { kind: { value: string } } }[]) => (fault: Fault | undefined) =>
    fault !== undefined && schemas.some(({ shape }) => shape.kind.value === fault.kind)

export const isRefusal = isOneOf(REFUSALS) as (fault: Fault | undefined) => fault is Refusal
export const isSpoil = isOneOf(SPOILS) as (fault: Fault | undefined) => fault is Spoil
export const isDelivery = isOneOf(DELIVERIES) as (fault: Fault | undefined) => fault is Delivery
export const isStreamFault = isOneOf(STREAM_FAULTS) as (
  fault: Fault | undefined,
) => fault is StreamFault
