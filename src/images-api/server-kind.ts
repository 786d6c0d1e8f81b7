/** Whose Images API an address is. It decides the rules a request must keep, and how a call is signed. */
import type { ServerKind } from './request-check.ts'

/** How an Azure address names what it calls: the deployment in the path, or the model in the body. */
export type AzureForm = 'deployment' | 'v1'

export function serverKindOf(baseUrl: string): ServerKind {
  const url = new URL(baseUrl)
  // Data residency has hosts of its own, e.g. eu.api.openai.com.
  if (/(^|\.)api\.openai\.com$/.test(url.hostname)) return 'openai'
  return isAzureHost(url) || azureFormOf(url) !== undefined ? 'azure' : 'other'
}

export const isAzureHost = ({ hostname }: URL): boolean =>
  /\.(openai|cognitiveservices|services\.ai)\.azure\.(com|us|cn)$/.test(hostname)

/** By the path alone, because gateways stand in front of Azure; they may put a path of their own before. */
export function azureFormOf({ pathname }: URL): AzureForm | undefined {
  if (/\/openai\/deployments\/[^/]+\/*$/.test(pathname)) return 'deployment'
  return /\/openai\/v1\/*$/.test(pathname) ? 'v1' : undefined
}
