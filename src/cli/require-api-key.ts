import type { Config } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { serverKindOf } from '../images-api/rules.ts'

/** Better now than after a thousand rows were queued. Other servers may do without a key. */
export function requireApiKey({ openai }: Config): void {
  if (openai.apiKey !== undefined || serverKindOf(openai.baseUrl) === 'other') return
  throw new ConfigError(
    'OPENAI_API_KEY is not set: put it into .env or the environment, or try things out with "renderq run --emulator"',
  )
}
