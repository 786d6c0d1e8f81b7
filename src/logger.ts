/**
 * pino with our standard keys, on stderr; stdout is data. JSON for programs, readable lines on a terminal. Secrets are
 * scrubbed from every line.
 */
import { pino, type Logger } from 'pino'
import { readableLine } from './log-line.ts'

export type { Logger }

/** Shapes of secrets that must not reach a log even inside a server's message. */
const SECRET_SHAPES =
  /\b(sk-[A-Za-z0-9_-]{8,}|A(?:KIA|SIA)[A-Z0-9]{12,})|([?&](?:X-Amz-Signature|X-Amz-Security-Token|sig|signature|token|key)=)[^&\s"\\]+/gi

/** Removes known secrets and anything shaped like one. Applied to whole log lines and to server messages. */
export function scrub(text: string, secrets: readonly string[] = []): string {
  let clean = text
  for (const secret of secrets) clean = clean.replaceAll(secret, '[redacted]')
  return clean.replace(
    SECRET_SHAPES,
    (_, _key: string, parameter?: string) => `${parameter ?? ''}[redacted]`,
  )
}

export function openLogger(level: string, secrets: readonly string[] = []): Logger {
  const format = process.stderr.isTTY ? readableLine : (line: string) => line
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorFacts },
    },
    { write: (line: string) => void process.stderr.write(scrub(format(line), secrets)) },
  )
}

/** pino takes everything with a message for an error, and would add a type and an empty stack to our own facts. */
function errorFacts(err: unknown): unknown {
  return err instanceof Error ? pino.stdSerializers.err(err) : err
}
