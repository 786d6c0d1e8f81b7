/**
 * The store in an S3 bucket: one plain PutObject per object, with its length and Content-MD5, which servers
 * of every make understand; no multipart, no trailing checksums, no ACLs, no deletes. The only user of the
 * AWS SDK, whose own retries stay on: repeating a put or a get costs nothing.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type ListObjectsV2CommandOutput,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { quietAwsNodeWarning, type StorageSettings } from '../config.ts'
import { ConfigError, StorageRejectedError, StorageUnavailableError } from '../errors.ts'
import { assertMetadata } from './metadata.ts'
import { refusalOf, toS3Error } from './s3-error.ts'
import { openUpload, type Upload } from './s3-upload.ts'
import type { ListedObject, ObjectHead, PutBody, PutOptions, PutResult, Store } from './store.ts'

type When = PutOptions['when']

const REQUEST_TIMEOUT_MS = 60_000
/** Slower than this, a transfer counts as stuck. */
const BYTES_PER_MS_MIN = 64
const TRANSFER_TIMEOUT_MS_MAX = 3_600_000
/** How often a put is tried when others put and remove the same key at the same time. */
const TRIES_MAX = 8
const CONFLICT_DELAY_MS = 100
/** S3 allows 1,024 bytes for a whole key. */
const PREFIX_BYTES_MAX = 100
/** Never removed: so no permission to delete is needed, and later probes only find it there. */
const PROBE_KEY = '_probe'

const CLIENT_CONFIG: S3ClientConfig = {
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Waiting for "100 Continue" takes a new connection per put, and minutes where it never comes.
  expectContinueHeader: false,
  requestHandler: {
    connectionTimeout: 5_000,
    socketTimeout: 30_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  },
}

export async function openS3Store(
  settings: Extract<StorageSettings, { kind: 's3' }>,
): Promise<Store> {
  const { prefix } = settings
  const isBad = prefix !== '' && prefix.split('/').some((part) => ['', '.', '..'].includes(part))
  if (isBad || Buffer.byteLength(prefix) > PREFIX_BYTES_MAX) {
    throw new ConfigError(
      `STORAGE_URL: the prefix may have no empty, . or .. parts and at most ${PREFIX_BYTES_MAX} bytes`,
    )
  }
  return new S3Store(await openClient(), settings)
}

/**
 * Endpoint, region and credentials come from the SDK's own chain. With an endpoint of one's own, buckets are
 * named in the path: self-hosted servers rarely have a DNS name per bucket. They also rarely care for the
 * region, which S3 proper must be told.
 */
async function openClient(): Promise<S3Client> {
  quietAwsNodeWarning()
  const asConfigured = new S3Client(CLIENT_CONFIG)
  const endpoint = await asConfigured.config.serviceConfiguredEndpoint?.()
  if (endpoint === undefined) {
    await asConfigured.config.region().catch((cause: unknown) => {
      throw new ConfigError('no AWS region is configured: set AWS_REGION to that of the bucket', {
        cause,
      })
    })
    return asConfigured
  }
  const region = await asConfigured.config.region().catch(() => 'us-east-1')
  asConfigured.destroy()
  return new S3Client({ ...CLIENT_CONFIG, region, forcePathStyle: true })
}

class S3Store implements Store {
  readonly url: string
  /** Turned off for good once the server is seen not to have them. */
  conditionalWrites = true
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  /** Some servers compare the etag of If-Match only without its quotes, which others require. */
  #bareEtags = false

  constructor(client: S3Client, { bucket, prefix }: { bucket: string; prefix: string }) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
  }

  async put(key: string, body: PutBody, options: PutOptions): Promise<PutResult> {
    assertMetadata(options.metadata ?? {})
    const upload = await openUpload(body)
    let { when } = options
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const result = await this.#tryPut(key, upload, { ...options, when })
      if ('kind' in result) return result
      when = result.nextWhen
    }
    throw new StorageUnavailableError(
      `${this.locationOf(key)}: others put or remove this object all the time`,
    )
  }

  async get(
    key: string,
    { bytesMax, signal }: { bytesMax: number; signal?: AbortSignal },
  ): Promise<Buffer | undefined> {
    const deadline = AbortSignal.timeout(timeoutFor(bytesMax))
    const abortSignal = signal === undefined ? deadline : AbortSignal.any([signal, deadline])
    try {
      const command = new GetObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + key })
      const { Body, ContentLength = 0 } = await this.#client.send(command, { abortSignal })
      const facts = { bytesMax, byteCount: ContentLength, location: this.locationOf(key) }
      return await readBody(Body as AsyncIterable<Uint8Array>, facts)
    } catch (error) {
      if (isAbsence(error)) return undefined
      if (signal?.aborted) throw signal.reason
      throw toS3Error(error, this.locationOf(key))
    }
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const found = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#bucket, Key: this.#prefix + key }),
      )
      return {
        byteCount: found.ContentLength ?? 0,
        etag: found.ETag ?? '',
        contentType: found.ContentType ?? 'application/octet-stream',
        metadata: found.Metadata ?? {},
      }
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw toS3Error(error, this.locationOf(key))
    }
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    let token: string | undefined
    do {
      const page = await this.#page(prefix, token)
      for (const { Key = '', Size = 0 } of page.Contents ?? []) {
        yield { key: Key.slice(this.#prefix.length), byteCount: Size }
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
  }

  /**
   * The first put proves that we may write; the second must be refused, or the server ignores conditions and
   * would let a late worker overwrite a record without a word.
   */
  async probe(): Promise<void> {
    const bytes = Buffer.from('written by renderq to see that it can')
    const options = { contentType: 'text/plain', when: 'absent' } as const
    const first = await this.put(PROBE_KEY, bytes, options)
    if (first.kind === 'stored' && this.conditionalWrites) {
      const second = await this.put(PROBE_KEY, bytes, options)
      this.conditionalWrites = second.kind === 'exists'
    }
    const read = await this.get(PROBE_KEY, { bytesMax: 1_024 })
    if (read === undefined || !bytes.equals(read)) {
      throw new StorageRejectedError(`${this.url} does not give back what was written to it`)
    }
    // Without s3:ListBucket an absent object is answered with 403, and every row looks for its record first.
    await this.head(`${PROBE_KEY}-${randomUUID()}`)
  }

  locationOf(key: string): string {
    return `s3://${this.#bucket}/${this.#prefix}${key}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy()
  }

  /** One try under `when`; when that did not settle it, the condition for the next one. */
  async #tryPut(
    key: string,
    upload: Upload,
    options: PutOptions,
  ): Promise<PutResult | { nextWhen: When }> {
    const { when } = options
    if (!this.conditionalWrites && when !== 'always') return this.#headThenPut(key, upload, options)
    try {
      return { kind: 'stored', etag: await this.#send(key, upload, options) }
    } catch (error) {
      const refusal = when === 'always' ? undefined : refusalOf(error)
      if (refusal === undefined) throw toS3Error(error, this.locationOf(key))
      if (refusal === 'condition') return this.#afterRefusal(key, when)
      if (refusal === 'unsupported') this.conditionalWrites = false
      else await sleep(CONFLICT_DELAY_MS * Math.random())
      return { nextWhen: when }
    }
  }

  async #afterRefusal(key: string, when: When): Promise<PutResult | { nextWhen: When }> {
    const there = await this.head(key)
    // It was there and is gone: whatever version was wanted, now it is absent.
    if (there === undefined) return { nextWhen: 'absent' }
    if (!isVersion(when, there)) return existing(there)
    // The very version that was asked for, and still refused: this server wants it written the other way.
    this.#bareEtags = !this.#bareEtags
    return { nextWhen: when }
  }

  /** For servers without conditional writes: two workers at the same moment may both store, the last one wins. */
  async #headThenPut(key: string, upload: Upload, options: PutOptions): Promise<PutResult> {
    const there = await this.head(key)
    if (there !== undefined && !isVersion(options.when, there)) return existing(there)
    try {
      const etag = await this.#send(key, upload, { ...options, when: 'always' })
      return { kind: 'stored', etag }
    } catch (error) {
      throw toS3Error(error, this.locationOf(key))
    }
  }

  async #send(key: string, upload: Upload, options: PutOptions): Promise<string> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#prefix + key,
      Body: upload.body(),
      ContentLength: upload.byteCount,
      ContentMD5: upload.md5,
      ContentType: options.contentType,
      Metadata: { ...options.metadata },
      ...this.#condition(options.when),
    })
    const requestTimeout = timeoutFor(upload.byteCount)
    const { ETag = '' } = await this.#client.send(command, { requestTimeout })
    return ETag
  }

  #condition(when: When): { IfNoneMatch?: string; IfMatch?: string } {
    if (when === 'always') return {}
    if (when === 'absent') return { IfNoneMatch: '*' }
    return { IfMatch: this.#bareEtags ? bare(when.etag) : when.etag }
  }

  async #page(prefix: string, token: string | undefined): Promise<ListObjectsV2CommandOutput> {
    try {
      return await this.#client.send(
        new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#prefix + prefix,
          ContinuationToken: token,
        }),
      )
    } catch (error) {
      throw toS3Error(error, this.locationOf(prefix))
    }
  }
}

async function readBody(
  body: AsyncIterable<Uint8Array>,
  { bytesMax, byteCount, location }: { bytesMax: number; byteCount: number; location: string },
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let received = 0
  // Leaving the loop early destroys the body, and with it the connection.
  for await (const chunk of body) {
    received += chunk.byteLength
    if (Math.max(received, byteCount) > bytesMax) {
      throw new StorageRejectedError(`${location} is larger than the ${bytesMax} bytes allowed`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, received)
}

function isVersion(when: When, { etag }: ObjectHead): boolean {
  return typeof when === 'object' && bare(when.etag) === bare(etag)
}

const bare = (etag: string) => etag.replaceAll('"', '')

const existing = ({ etag, metadata }: ObjectHead): PutResult => ({ kind: 'exists', etag, metadata })

const timeoutFor = (byteCount: number) =>
  REQUEST_TIMEOUT_MS + Math.min(Math.ceil(byteCount / BYTES_PER_MS_MIN), TRANSFER_TIMEOUT_MS_MAX)

function isAbsence(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes((error as Error).name)
}
