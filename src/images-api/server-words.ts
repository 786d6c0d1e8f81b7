/** What a server says about a failure, in whatever shape: OpenAI's, Azure's, FastAPI's, a gateway's HTML. */
import { scrub } from '../logger.ts'

export interface ServerWords {
  /** `error.code` and what else classifies, most telling first. Branch on these before the status. */
  codes: readonly string[]
  /** For people: one line, short, without secrets or control characters. Empty when nothing was said. */
  message: string
  /** As sent, for looking into. */
  fullMessage: string
  moderation: string | undefined
}

const FULL_MESSAGE_LENGTH_MAX = 4_000
const MESSAGE_LENGTH_MAX = 300
const WORD_LENGTH_MAX = 100

export function serverWordsIn(body: string, secrets: readonly string[] = []): ServerWords {
  const error = errorObjectIn(body)
  const fullMessage = (error === undefined ? proseIn(body) : messageOf(error)).slice(
    0,
    FULL_MESSAGE_LENGTH_MAX,
  )
  const inner = innerErrorOf(error)
  const said = [error?.['code'], error?.['type'], inner?.['code'], ...codesQuotedIn(fullMessage)]
  return {
    codes: said.flatMap((word) => wordIn(word, secrets) ?? []),
    message: tidyMessage(fullMessage, secrets),
    fullMessage,
    moderation: moderationIn(error, secrets),
  }
}

/** Safe to show, to log and to keep: one line of bounded length without secrets. */
export function tidyMessage(text: string, secrets: readonly string[] = []): string {
  const line = scrub(text, secrets)
    // Control and formatting characters could move a cursor or turn text around in a terminal.
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
  const short =
    line.length > MESSAGE_LENGTH_MAX ? `${line.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : line
  // Half a character is no text: databases refuse it.
  return short.replaceAll(/\p{Cs}/gu, '')
}

type JsonObject = Readonly<Record<string, unknown>>

const asObject = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined

/** `{ error: {…} }`, `{ error: "…" }`, `{ detail: … }`, `{ errors: […] }` or the bare object some gateways send. */
function errorObjectIn(body: string): JsonObject | undefined {
  const root = asObject(firstOf(parseJson(body)))
  if (root === undefined) return undefined
  if (typeof root['error'] === 'string')
    return { ...root, message: root['message'] ?? root['error'] }
  const { error, detail, errors } = root
  return asObject(error) ?? asObject(detail) ?? asObject(firstOf(errors)) ?? root
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value)

/** Azure keeps the reason of a refusal inside. */
const innerErrorOf = (error: JsonObject | undefined): JsonObject | undefined =>
  asObject(error?.['inner_error']) ?? asObject(error?.['innererror'])

/** A relay may put the whole answer it got into its own message: `… - {'error': {'code': 'moderation_blocked'}}`. */
const codesQuotedIn = (message: string): string[] =>
  [...message.matchAll(/["']code\\?["'] ?: ?\\?["']([a-z_]{1,100})\\?["']/gi)].map(
    ([, code]) => code ?? '',
  )

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function messageOf(error: JsonObject): string {
  const { message, detail } = error
  if (typeof message === 'string') return message
  if (typeof detail === 'string') return detail
  // FastAPI names each bad field: [{ loc: ['body', 'size'], msg: '…' }].
  if (Array.isArray(detail)) return detail.map(fieldProblem).filter(Boolean).join('; ')
  return ''
}

function fieldProblem(item: unknown): string {
  const problem = asObject(item)
  const where = Array.isArray(problem?.['loc']) ? `${problem['loc'].slice(1).join('.')}: ` : ''
  return typeof problem?.['msg'] === 'string' ? where + problem['msg'] : ''
}

function moderationIn(
  error: JsonObject | undefined,
  secrets: readonly string[],
): string | undefined {
  const details = asObject(error?.['moderation_details'])
  const categories = Array.isArray(details?.['categories'])
    ? details['categories'].join(', ')
    : azureCategoriesIn(error)
  const stage = wordIn(details?.['moderation_stage'], secrets)
  const parts = [stage === undefined ? '' : `${stage} stage`, categories]
  return tidyMessage(parts.filter(Boolean).join(': '), secrets) || undefined
}

/** `{ sexual: { filtered: true, … }, violence: { filtered: false, … } }` */
function azureCategoriesIn(error: JsonObject | undefined): string {
  const results = asObject((innerErrorOf(error) ?? error)?.['content_filter_results']) ?? {}
  return Object.entries(results)
    .filter(([, result]) => asObject(result)?.['filtered'] === true)
    .map(([category]) => category)
    .join(', ')
}

/** Codes may be numbers. */
function wordIn(value: unknown, secrets: readonly string[]): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  return tidyMessage(String(value), secrets).slice(0, WORD_LENGTH_MAX) || undefined
}

/** An HTML page says what it is in its title; the rest is decoration. */
function proseIn(body: string): string {
  // Bounded first: both patterns take quadratic time on a body of angle brackets.
  const begin = body.slice(0, FULL_MESSAGE_LENGTH_MAX)
  const title = /<title[^>]*>([^<]*)/i.exec(begin)?.[1]?.trim()
  return title || begin.replaceAll(/<[^>]*>/g, ' ').trim()
}
