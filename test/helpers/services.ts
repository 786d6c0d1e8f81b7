/**
 * The real services the tests may use. `global-setup.ts` probes for them once and provides what answered;
 * a suite that needs one is declared with `describe.skipIf(!services.redis)`.
 */
import { inject } from 'vitest'

export interface S3Service {
  endpoint: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

/** Only services that answered a real protocol probe are present. */
export interface Services {
  redis?: string
  postgres?: string
  s3?: S3Service
  /** A file: OpenAI's own description of the API. */
  openapi?: string
  /** The program. */
  chromium?: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    services: Services
  }
}

export const services: Services = inject('services')

/** For use inside tests of a suite that is skipped without Redis. */
export const redisUrl = (): string => found('redis')

export const postgresUrl = (): string => found('postgres')

export const s3 = (): S3Service => found('s3')

export const openapiFile = (): string => found('openapi')

export const chromiumProgram = (): string => found('chromium')

function found<N extends keyof Services>(name: N): NonNullable<Services[N]> {
  const service = services[name]
  if (service === undefined) {
    throw new Error(`${name} was not found: this suite must use describe.skipIf(!services.${name})`)
  }
  return service
}
