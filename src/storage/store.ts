/**
 * The store interface: where pictures and records are kept. `storage/folder.ts` and `storage/s3.ts`
 * implement it; test/conformance/store.ts says what both must do.
 */

/** Bytes whose length is known: S3 then gets one plain PutObject, without multipart or trailer framing. */
export type PutBody = Uint8Array | FileBody

export interface FileBody {
  file: string
  /** Hex, where it is known. Other bytes are refused with `FileChangedError`, and nothing is stored. */
  sha256?: string
}

export interface PutOptions {
  contentType: string
  /** Lower-case ASCII names, printable ASCII values, under 2 kB in all. */
  metadata?: Readonly<Record<string, string>>
  /**
   * - `absent`: only if nothing is there; atomic.
   * - `{ etag }`: only if exactly that version is there, or nothing any more; atomic.
   * - `always`: replaces whatever is there.
   */
  when: 'absent' | { etag: string } | 'always'
}

/** `exists`: the condition did not hold; what is there was left as it was. */
export type PutResult =
  | { kind: 'stored'; etag: string }
  | { kind: 'exists'; etag: string; metadata: Record<string, string> }

export interface ObjectHead {
  byteCount: number
  etag: string
  contentType: string
  metadata: Record<string, string>
}

export interface ListedObject {
  key: string
  byteCount: number
}

/**
 * Keys are relative to the store's root or prefix, already made by `storage/keys.ts`. Methods reject with
 * `StorageUnavailableError` (worth trying again) or `StorageRejectedError` (a person must act).
 */
export interface Store extends AsyncDisposable {
  /** For people: `file:/abs/renders` or `s3://bucket/prefix`. */
  readonly url: string
  /** False when the server was seen to have no conditional writes: then two late workers may both store. */
  readonly conditionalWrites?: boolean
  put(key: string, body: PutBody, options: PutOptions): Promise<PutResult>
  /** The whole object, or undefined when absent. Rejects when it is larger than `bytesMax`, or as `signal` says. */
  get(key: string, options: { bytesMax: number; signal?: AbortSignal }): Promise<Buffer | undefined>
  head(key: string): Promise<ObjectHead | undefined>
  /** Keys that begin with `prefix`, in ascending byte order. */
  list(prefix: string): AsyncIterable<ListedObject>
  /** Proves that we may write here and read it back, and learns what the server can do. */
  probe(): Promise<void>
  /** Where a person finds the object: a path or an s3:// URL. */
  locationOf(key: string): string
}
