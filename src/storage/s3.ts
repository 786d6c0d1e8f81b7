/**
 * The store in an S3 bucket: one plain PutObject per object, with its length and a digest that servers of every
 * make verify (the SHA-256 it is signed with, where that is known before, or Content-MD5); no multipart, no
 * trailing checksums, no ACLs, no deletes. The only user of the AWS SDK, whose own retries stay on: repeating a
 * put or a get costs nothing.
 */
import { randomUUID } from 'node:crypto'
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { quietAwsNodeWarning, type StorageSettings } from '../config.ts'
import { ConfigError, messageOf, StorageRejectedError, StorageUnavailableError } from '../errors.ts'
import { assertMetadata } from './metadata.ts'
import { isDigestMismatch, toS3Error } from './s3-error.ts'
import { ConditionalPuts, type PutRequest } from './s3-put.ts'
import { openUpload, type Upload, type UploadBody } from './s3-upload.ts'
import type { ListedObject, ObjectHead, PutBody, PutOptions, PutResult, Store } from './store.ts'

const REQUEST_TIMEOUT_MS = 60_000
/** Slower than this, a transfer counts as stuck. */
const BYTES_PER_MS_MIN = 64
/** Up to here, every request has the time that so many bytes may take. */
const USUAL_PUT_BYTES_MAX = 4 * 1024 * 1024
/** S3 allows 1,024 bytes for a whole key. */
const PREFIX_BYTES_MAX = 100
/** Never removed: so no permission to delete is needed, and later probes only find it there. */
const PROBE_KEY = '_probe'

const silent = () => {}

const CLIENT_CONFIG: S3ClientConfig = {
  cacheMiddleware: true,
  // Without one of our own the SDK writes to the console. What it has to say comes as errors too.
  logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Waiting for "100 Continue" takes a new connection per put, and minutes where it never comes.
  expectContinueHeader: false,
  requestHandler: {
    connectionTimeout: 5_000,
    socketTimeout: 30_000,
    requestTimeout: timeoutFor(USUAL_PUT_BYTES_MAX),
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
      const message = `no AWS region is configured (${messageOf(cause)}): set AWS_REGION to that of the bucket`
      throw new ConfigError(message, { cause })
    })
    return asConfigured
  }
  const region = await asConfigured.config.region().catch(() => 'us-east-1')
  asConfigured.destroy()
  return new S3Client({ ...CLIENT_CONFIG, region, forcePathStyle: true })
}

class S3Store implements Store {
  readonly url: string
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string
  readonly #puts: ConditionalPuts
  /** What is known of the bodies being put, by the body itself: the one thing that reaches the signing as it is. */
  readonly #digests: WeakMap<object, string>

  constructor(client: S3Client, { bucket, prefix }: { bucket: string; prefix: string }) {
    this.#client = client
    this.#digests = signWithKnownDigests(client)
    this.#bucket = bucket
    this.#prefix = prefix === '' ? '' : `${prefix}/`
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
    this.#puts = new ConditionalPuts({
      head: (key) => this.head(key),
      send: (request) => this.#send(request),
    })
  }

  get conditionalWrites(): boolean {
    return this.#puts.areSupported
  }

  async put(key: string, body: PutBody, options: PutOptions): Promise<PutResult> {
    const { contentType, metadata = {}, when } = options
    assertMetadata(metadata)
    const upload = await openUpload(body)
    return this.#guarded(key, () => this.#puts.put({ key, upload, contentType, metadata }, when))
  }

  async get(
    key: string,
    { bytesMax, signal }: { bytesMax: number; signal?: AbortSignal },
  ): Promise<Buffer | undefined> {
    const location = this.locationOf(key)
    try {
      const { Body, ContentLength = 0 } = await this.#client.send(
        new GetObjectCommand({ Bucket: this.#bucket, Key: this.#wholeKeyOf(key) }),
        signal && { abortSignal: signal },
      )
      const limits = { bytesMax, byteCount: ContentLength, location }
      return await readBody(Body as AsyncIterable<Uint8Array>, limits)
    } catch (error) {
      signal?.throwIfAborted()
      if (isAbsence(error)) return undefined
      throw toS3Error(error, location)
    }
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      const found = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#bucket, Key: this.#wholeKeyOf(key) }),
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
    const query = { Bucket: this.#bucket, Prefix: this.#wholeKeyOf(prefix) }
    let ContinuationToken: string | undefined
    do {
      const page = await this.#guarded(prefix, () =>
        this.#client.send(new ListObjectsV2Command({ ...query, ContinuationToken })),
      )
      for (const { Key = '', Size = 0 } of page.Contents ?? []) {
        yield { key: Key.slice(this.#prefix.length), byteCount: Size }
      }
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
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
      this.#puts.areSupported &&= second.kind === 'exists'
    }
    const read = await this.get(PROBE_KEY, { bytesMax: 1_024 })
    const isOurs = first.kind === 'stored'
    if (read === undefined || (isOurs && !bytes.equals(read))) {
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

  /** To S3 dots are letters like any other, but a proxy or server on the way may follow them out of the prefix. */
  #wholeKeyOf(key: string): string {
    if (key.split('/').some((segment) => segment === '.' || segment === '..')) {
      throw new StorageRejectedError(`${JSON.stringify(key)} is not a key of ${this.url}`)
    }
    return this.#prefix + key
  }

  async #send({ key, upload, contentType, metadata, condition }: PutRequest): Promise<string> {
    using body = upload.openBody()
    if (upload.sha256 !== undefined) this.#digests.set(body.bytes, upload.sha256)
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: this.#wholeKeyOf(key),
      Body: body.bytes,
      ContentLength: upload.byteCount,
      ...(upload.md5 === undefined ? {} : { ContentMD5: upload.md5 }),
      ContentType: contentType,
      Metadata: { ...metadata },
      ...condition,
    })
    try {
      const { ETag = '' } = await this.#client.send(command, putOptionsFor(upload, body))
      return ETag
    } catch (error) {
      body.unreadable?.throwIfAborted()
      if (isDigestMismatch(error)) await upload.assertUnchanged()
      throw error
    }
  }

  async #guarded<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw toS3Error(error, this.locationOf(key))
    }
  }
}

/** Silence is ended by the client's socket timeout, a trickle here. */
async function readBody(
  body: AsyncIterable<Uint8Array>,
  { bytesMax, byteCount, location }: { bytesMax: number; byteCount: number; location: string },
): Promise<Buffer> {
  const giveUpAt = performance.now() + timeoutFor(byteCount)
  const chunks: Uint8Array[] = []
  let received = 0
  // Leaving the loop early destroys the body, and with it the connection.
  for await (const chunk of body) {
    received += chunk.byteLength
    if (Math.max(received, byteCount) > bytesMax) {
      throw new StorageRejectedError(`${location} is larger than the ${bytesMax} bytes allowed`)
    }
    if (performance.now() > giveUpAt) {
      throw new StorageUnavailableError(`${location} comes too slowly: ${received} bytes so far`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, received)
}

function timeoutFor(byteCount: number): number {
  return REQUEST_TIMEOUT_MS + Math.ceil(byteCount / BYTES_PER_MS_MIN)
}

function isAbsence(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes((error as Error).name)
}

/**
 * With options of its own, the SDK assembles each request's chain of middleware anew, which costs more than the
 * rest of a small put; so only what may take longer than usual has them.
 */
function putOptionsFor({ byteCount }: Upload, { unreadable }: UploadBody) {
  if (byteCount <= USUAL_PUT_BYTES_MAX && unreadable === undefined) return undefined
  return { requestTimeout: timeoutFor(byteCount), ...(unreadable && { abortSignal: unreadable }) }
}

/**
 * Signs a request with the digest that is known of its body, which the server compares with what it gets: so it
 * need not be hashed again here, and a streamed one is not sent unsigned.
 */
function signWithKnownDigests(client: S3Client): WeakMap<object, string> {
  const digests = new WeakMap<object, string>()
  client.middlewareStack.add(
    (next) => (args) => {
      const { Body: body } = args.input as { Body?: object }
      const sha256 = body && digests.get(body)
      const { headers } = args.request as { headers: Record<string, string> }
      if (sha256 !== undefined) headers['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'knownSha256' },
  )
  return digests
}
