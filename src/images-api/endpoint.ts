/** Where the Images API is and what every request to it carries. */
import type { Secret } from '../config.ts'
import { ConfigError } from '../errors.ts'

export interface EndpointConfig {
  apiKey: Secret | undefined
  baseUrl: string
  orgId?: string | undefined
  projectId?: string | undefined
}

export interface Endpoint {
  /** For messages. */
  host: string
  /** For records: without credentials, query or trailing slash. */
  publicUrl: string
  headers: Readonly<Record<string, string>>
  /** What must never show in a message. */
  secrets: readonly string[]
  addressOf(path: string): { origin: string; path: string }
}

export function endpointOf(config: EndpointConfig): Endpoint {
  const { origin, host, pathname, search } = new URL(config.baseUrl)
  const basePath = pathname.replace(/\/+$/, '')
  const { apiKey } = config
  return {
    host,
    publicUrl: origin + basePath,
    headers: headersOf(config),
    secrets: apiKey === undefined ? [] : [apiKey.reveal()],
    // The base URL may have a query of its own, e.g. Azure's api-version.
    addressOf: (path) => ({ origin, path: basePath + path + search }),
  }
}

function headersOf({ apiKey, orgId, projectId }: EndpointConfig): Record<string, string> {
  refuseUnsendable({
    OPENAI_API_KEY: apiKey?.reveal(),
    OPENAI_ORG_ID: orgId,
    OPENAI_PROJECT_ID: projectId,
  })
  return {
    accept: 'application/json',
    // A compressed body could grow without bound behind any limit on its bytes.
    'accept-encoding': 'identity',
    'user-agent': 'renderq',
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey.reveal()}` }),
    ...(orgId !== undefined && { 'openai-organization': orgId }),
    ...(projectId !== undefined && { 'openai-project': projectId }),
  }
}

/** A key read from a file often ends in a line end, which no header may hold. */
function refuseUnsendable(credentials: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(credentials)) {
    if (value === undefined || /^[\x21-\x7e]+$/.test(value)) continue
    throw new ConfigError(
      `${name} holds a blank, a line end or another character that can't be sent: set it again`,
    )
  }
}
