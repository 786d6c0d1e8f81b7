import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Findings } from './findings.ts'

/** Larger manifests are refused: split them, a run of each is as good. */
const MANIFEST_BYTES_MAX = 1024 ** 3
const CHUNK_BYTES = 64 * 1024

const OPEN_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'is a folder: name the manifest file in it',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'there is no such file',
}

export type ByteSource = AsyncIterable<Uint8Array>

export interface ManifestBytesOptions {
  /** What `-` reads. */
  stdin?: ByteSource
  bytesMax?: number
}

/** The manifest's bytes as they are, once, with their sha256 at the end. `-` is standard input. */
export class ManifestBytes {
  readonly #source: ByteSource
  readonly #bytesMax: number
  readonly #findings: Findings
  readonly #hash = createHash('sha256')

  constructor(
    path: string,
    findings: Findings,
    { stdin, bytesMax = MANIFEST_BYTES_MAX }: ManifestBytesOptions = {},
  ) {
    this.#bytesMax = bytesMax
    this.#source = path === '-' ? (stdin ?? process.stdin) : fileChunks(path, findings)
    this.#findings = findings
  }

  async *chunks(): AsyncGenerator<Buffer> {
    let byteCount = 0
    for await (const chunk of this.#source) {
      byteCount += chunk.byteLength
      if (byteCount > this.#bytesMax) {
        this.#findings.problem({ message: 'is larger than 1 GB: split it into several manifests' })
        return
      }
      this.#hash.update(chunk)
      // The readers bound their memory by what they were given, so that has to be bounded too.
      for (let from = 0; from < chunk.byteLength; from += CHUNK_BYTES) {
        const piece = chunk.subarray(from, from + CHUNK_BYTES)
        yield Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      }
    }
  }

  /** Of everything read. Only once, after the last chunk. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}

async function* fileChunks(path: string, findings: Findings): ByteSource {
  try {
    await using file = await open(path)
    yield* file.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false }) as ByteSource
  } catch (error) {
    const message = OPEN_FAILURES[(error as NodeJS.ErrnoException).code ?? '']
    if (message === undefined) throw error
    findings.problem({ message })
  }
}
