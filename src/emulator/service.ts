import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from '../errors.ts'
import { FaultBook, type FaultRule } from './faults.ts'
import { RateLimits } from './limits.ts'
import { type OpenReference, referenceOpener } from './references.ts'
import { ResultFiles } from './result-files.ts'
import { Stats } from './stats.ts'
import { UploadedFiles } from './uploaded-files.ts'

export interface EmulatorOptions {
  /** Default 127.0.0.1. */
  host?: string
  /** Default 0: any free port. */
  port?: number
  /** The only bearer key that is accepted; absent: any key. No key at all is a 401 either way. */
  apiKey?: string
  /** Mean time a call takes before it is answered; each varies by a quarter. Default 0. */
  latencyMs?: number
  /** How long `url` results can be fetched. Default 3,600,000. */
  urlLifetimeMs?: number
  /** Where the URLs of results lead, e.g. `https://files.example`. Default: to the emulator itself. */
  filesOrigin?: string
  /** Above one of these calls get a real 429. Default: no limit. */
  imagesPerMinute?: number
  requestsPerMinute?: number
  tokensPerMinute?: number
  /** `YYYY-MM-DD`: models that are shut down by then are refused. Default: every model is served. */
  asOf?: string
  /** Fetch the pictures that JSON edits name by a URL. Default: only data URLs, nothing leaves the machine. */
  fetchUrls?: boolean
  /** Larger request bodies are refused. Default 600,000,000. */
  bodyBytesMax?: number
  faults?: readonly FaultRule[]
}

/** The parts of one running emulator, as its routes see them. */
export interface Service {
  readonly apiKey: string | undefined
  readonly bodyBytesMax: number
  readonly stats: Stats
  readonly faults: FaultBook
  readonly limits: RateLimits
  readonly files: ResultFiles
  readonly uploads: UploadedFiles
  readonly openReference: OpenReference
  /** Undefined: models that were shut down are served like the others. */
  readonly asOf: string | undefined
  readonly filesOrigin: string | undefined
  /** How long the next call takes before it is answered. */
  latencyMs(): number
  /** Rejects when the emulator closes. */
  wait(ms: number): Promise<void>
}

/** The largest edit the API documents: 16 pictures of 50 MB, most of it never sent at once. */
const BODY_BYTES_MAX = 600_000_000
const URL_LIFETIME_MS = 3_600_000

export function openService(options: EmulatorOptions, closing: AbortSignal): Service {
  // Every waiting call listens to it, however many there are.
  setMaxListeners(0, closing)
  const faults = new FaultBook()
  faults.add(options.faults ?? [])
  if (options.asOf !== undefined && !/^\d{4}-\d\d-\d\d$/.test(options.asOf)) {
    throw new ConfigError(`as-of must be a day like 2026-12-01, not ${options.asOf}`)
  }
  const uploads = new UploadedFiles()
  return {
    apiKey: options.apiKey,
    bodyBytesMax: options.bodyBytesMax ?? BODY_BYTES_MAX,
    stats: new Stats(),
    faults,
    limits: new RateLimits(options),
    files: new ResultFiles(options.urlLifetimeMs ?? URL_LIFETIME_MS),
    uploads,
    openReference: referenceOpener({ files: uploads, fetchesUrls: options.fetchUrls ?? false }),
    asOf: options.asOf,
    filesOrigin: options.filesOrigin,
    latencyMs: () => spreadAround(options.latencyMs ?? 0),
    wait: (ms) => sleep(ms, undefined, { signal: closing }),
  }
}

/** A quarter more or less, so that calls that began together don't all end together. */
const spreadAround = (meanMs: number) => meanMs * (0.75 + Math.random() / 2)
