/** Where the Images API is and what every request to it carries: OpenAI's own, Azure's, or a compatible server's. */
import type { Secret } from '../config.ts'
import { ConfigError } from '../errors.ts'
import { azureFormOf, isAzureHost, serverKindOf } from './server-kind.ts'

export interface EndpointConfig {
  apiKey: Secret | undefined
  baseUrl: string
  orgId?: string | undefined
  projectId?: string | undefined
  /** For Azure addresses that name a deployment and no version. */
  apiVersion?: string | undefined
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

/** Throws ConfigError when no call to this address, or with these credentials, could work. */
export function endpointOf(config: EndpointConfig): Endpoint {
  const url = new URL(config.baseUrl)
  refuseWrongPath(url)
  const { origin, host } = url
  const basePath = url.pathname.replace(/\/+$/, '')
  const query = queryOf(url, config.apiVersion)
  const { apiKey } = config
  return {
    host,
    publicUrl: origin + basePath,
    headers: headersOf(config, url),
    secrets: apiKey === undefined ? [] : [apiKey.reveal()],
    addressOf: (path) => ({ origin, path: basePath + path + query }),
  }
}

/** People paste the address of a call, or only that of their Azure resource. */
function refuseWrongPath(url: URL): void {
  const call = /\/images\/(generations|edits|variations)\/*$/.exec(url.pathname)
  if (call !== null) {
    const base = url.origin + url.pathname.slice(0, call.index) + url.search
    throw new ConfigError(
      `OPENAI_BASE_URL is the address of a call: leave ${call[0]} away, as in ${shown(base)}`,
    )
  }
  if (isAzureHost(url) && azureFormOf(url) === undefined) {
    throw new ConfigError(
      `OPENAI_BASE_URL is an Azure address without an API: set it to ${url.origin}/openai/v1, or to ${url.origin}/openai/deployments/<deployment> with OPENAI_API_VERSION`,
    )
  }
}

/** The base URL may have a query of its own; Azure's classic form needs a version in it, its v1 form none. */
function queryOf(url: URL, apiVersion: string | undefined): string {
  if (azureFormOf(url) !== 'deployment' || url.searchParams.has('api-version')) return url.search
  if (apiVersion === undefined) {
    throw new ConfigError(
      `OPENAI_BASE_URL names an Azure deployment, which needs an API version: set OPENAI_API_VERSION, for example to 2025-04-01-preview, or end the address in ?api-version=2025-04-01-preview`,
    )
  }
  const version = `api-version=${encodeURIComponent(apiVersion)}`
  return url.search === '' ? `?${version}` : `${url.search}&${version}`
}

/** A query may hold a key. */
const shown = (address: string): string => address.replace(/\?(?!api-version=[^&]*$).*/, '')

function headersOf(config: EndpointConfig, url: URL): Record<string, string> {
  const { apiKey, orgId, projectId } = config
  refuseUnsendable({
    OPENAI_API_KEY: apiKey?.reveal(),
    OPENAI_ORG_ID: orgId,
    OPENAI_PROJECT_ID: projectId,
  })
  // Organizations and projects are OpenAI's; a compatible server may pass them on to it.
  const isAzure = serverKindOf(config.baseUrl) === 'azure'
  return {
    accept: 'application/json',
    // A compressed body could grow without bound behind any limit on its bytes.
    'accept-encoding': 'identity',
    'user-agent': 'renderq',
    ...(apiKey !== undefined && signature(apiKey.reveal(), url)),
    ...(orgId !== undefined && !isAzure && { 'openai-organization': orgId }),
    ...(projectId !== undefined && !isAzure && { 'openai-project': projectId }),
  }
}

/** Azure takes a key as `api-key`, and Entra's tokens, which are JWTs, as a bearer. */
function signature(key: string, url: URL): Record<string, string> {
  const bearer = { authorization: `Bearer ${key}` }
  const isToken = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/.test(key)
  if (isToken || serverKindOf(url.href) !== 'azure') return bearer
  // Servers that have nothing to do with Azure offer /openai/v1 too, and Azure takes either there.
  const isAmbiguous = azureFormOf(url) === 'v1' && !isAzureHost(url)
  return { 'api-key': key, ...(isAmbiguous && bearer) }
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
