/** pino with our standard keys, on stderr; stdout is data. Secrets are scrubbed from every line. */
import { pino, type Logger } from 'pino'

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
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line: string) => void process.stderr.write(scrub(line, secrets)) },
  )
}
