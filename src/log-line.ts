/** A line of the log for a person at a terminal. Pure. */
import { styleText } from 'node:util'

interface LogLine {
  level: number
  time: string
  msg?: string
  err?: unknown
  help?: unknown
  [fact: string]: unknown
}

/** pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info',
  40: styleText('yellow', 'warn'),
  50: styleText('red', 'error'),
  60: styleText('red', 'fatal'),
}

/** `08:14:03 warn  attempt failed  run=run_7k3fq8m2xd row=sku-1  rate_limited: too fast`, from the JSON of that line. */
export function readableLine(json: string): string {
  const { level, time, msg = '', err, help, ...facts } = JSON.parse(json) as LogLine
  const named = Object.entries(facts).map(([name, value]) => `${name}=${textOf(value)}`)
  const parts = [msg, named.join(' '), errorText(err), help === undefined ? '' : textOf(help)]
  const words = parts.filter((part) => part !== '').map(onOneLine)
  return `${time.slice(11, 19)} ${LEVELS[level] ?? level}  ${words.join('  ')}${stackOf(err)}\n`
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return err === undefined ? '' : textOf(err)
  const { code, message, requestId } = err as Record<string, unknown>
  const id = requestId === undefined ? '' : ` (${textOf(requestId)})`
  return (
    [code, message]
      .filter((part) => part !== undefined)
      .map(textOf)
      .join(': ') + id
  )
}

/** Only errors that nobody foresaw have one. */
function stackOf(err: unknown): string {
  const { stack } = (err ?? {}) as { stack?: unknown }
  if (typeof stack !== 'string') return ''
  const [, ...frames] = stack.split('\n')
  return frames.map((frame) => `\n  ${onOneLine(frame)}`).join('')
}

/** What servers say must not steer a terminal. */
const onOneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, ' ')
