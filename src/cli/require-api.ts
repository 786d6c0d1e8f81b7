import type { Config } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { endpointOf } from '../images-api/endpoint.ts'
import { serverKindOf } from '../images-api/server-kind.ts'

/** Better now than after a thousand rows were queued. Throws ConfigError when no call could work as things are set. */
export function requireApi({ openai }: Config): void {
  endpointOf(openai)
  // Servers that are compatible may do without a key.
  if (openai.apiKey !== undefined || serverKindOf(openai.baseUrl) === 'other') return
  throw new ConfigError(
    'OPENAI_API_KEY is not set: put it into .env or the environment, or try things out with "renderq run --emulator"',
  )
}
