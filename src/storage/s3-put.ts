/**
 * Puts under a condition, on servers that have conditional writes, have them with quirks, or do not have
 * them. Knows requests and refusals, nothing of the SDK.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { StorageUnavailableError } from '../errors.ts'
import { refusalOf } from './s3-error.ts'
import type { Upload } from './s3-upload.ts'
import type { ObjectHead, PutOptions, PutResult } from './store.ts'

/** How often a put is tried when others put and remove the same key at the same time. */
const TRIES_MAX = 8
const CONFLICT_DELAY_MS = 100

export interface PutRequest extends Omit<PutOptions, 'when'> {
  key: string
  upload: Upload
  condition: { IfNoneMatch?: string; IfMatch?: string }
}

export interface ObjectAccess {
  head(key: string): Promise<ObjectHead | undefined>
  /** One request. Resolves with the new etag, rejects with the error as the server gave it. */
  send(request: PutRequest): Promise<string>
}

type When = PutOptions['when']
type Put = Omit<PutRequest, 'condition'>

export class ConditionalPuts {
  /** Turned off for good once the server is seen not to have them. */
  areSupported = true
  readonly #objects: ObjectAccess
  /** Some servers compare the etag of If-Match only without its quotes, which others require. */
  #bareEtags = false

  constructor(objects: ObjectAccess) {
    this.#objects = objects
  }

  async put(put: Put, wanted: When): Promise<PutResult> {
    let when = wanted
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const result = await this.#try(put, when)
      if ('kind' in result) return result
      when = result.nextWhen
    }
    throw new StorageUnavailableError(`${put.key}: others put or remove this object all the time`)
  }

  /** One try under `when`; when that did not settle it, the condition for the next one. */
  async #try(put: Put, when: When): Promise<PutResult | { nextWhen: When }> {
    if (when === 'always') return this.#send(put, {})
    if (!this.areSupported) return this.#headThenPut(put, when)
    try {
      return await this.#send(put, this.#conditionOf(when))
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      if (refusal === 'condition') return this.#afterRefusal(put.key, when)
      if (refusal === 'cut') return this.#afterCut(put.key, when, error)
      if (refusal === 'unsupported') this.areSupported = false
      else await sleep(CONFLICT_DELAY_MS * Math.random())
      return { nextWhen: when }
    }
  }

  async #afterRefusal(key: string, when: When): Promise<PutResult | { nextWhen: When }> {
    const there = await this.#objects.head(key)
    // It was there and is gone: whatever version was wanted, now it is absent.
    if (there === undefined) return { nextWhen: 'absent' }
    if (!isVersion(when, there)) return existing(there)
    // The very version that was asked for, and still refused: this server wants its etag written the other way.
    this.#bareEtags = !this.#bareEtags
    return { nextWhen: when }
  }

  /** Nothing but a look tells a condition that did not hold from a network that failed. */
  async #afterCut(key: string, when: When, error: unknown): Promise<PutResult> {
    const there = await this.#objects.head(key)
    if (there === undefined || isVersion(when, there)) throw error
    return existing(there)
  }

  /** Without conditional writes two workers at the same moment may both store; the last one stays. */
  async #headThenPut(put: Put, when: When): Promise<PutResult> {
    const there = await this.#objects.head(put.key)
    if (there !== undefined && !isVersion(when, there)) return existing(there)
    return this.#send(put, {})
  }

  async #send(put: Put, condition: PutRequest['condition']): Promise<PutResult> {
    return { kind: 'stored', etag: await this.#objects.send({ ...put, condition }) }
  }

  #conditionOf(when: Exclude<When, 'always'>): PutRequest['condition'] {
    if (when === 'absent') return { IfNoneMatch: '*' }
    return { IfMatch: this.#bareEtags ? bare(when.etag) : when.etag }
  }
}

function isVersion(when: When, { etag }: ObjectHead): boolean {
  return typeof when === 'object' && bare(when.etag) === bare(etag)
}

const bare = (etag: string) => etag.replaceAll('"', '')

const existing = ({ etag, metadata }: ObjectHead): PutResult => ({ kind: 'exists', etag, metadata })
