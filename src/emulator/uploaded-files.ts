/** The Files service: what was uploaded, kept in memory under a bound until it expires or is deleted. */
import { randomBytes } from 'node:crypto'
import { ApiError } from './api-error.ts'

export const FILE_PURPOSES = ['vision', 'user_data', 'batch'] as const
type FilePurpose = (typeof FILE_PURPOSES)[number]

export interface UploadedFile {
  id: string
  filename: string
  purpose: FilePurpose
  mediaType: string
  bytes: Buffer
  createdAtMs: number
  /** Undefined: kept until it is deleted. */
  expiresAtMs: number | undefined
}

const KEPT_BYTES_MAX = 512 * 1_048_576

export class UploadedFiles {
  /** In the order they were uploaded. */
  readonly #files = new Map<string, UploadedFile>()
  #keptBytes = 0

  /** Refused when there is no room: unlike results, what a client uploaded may not vanish by itself. */
  add(file: Omit<UploadedFile, 'id'>): UploadedFile {
    this.#dropExpired()
    if (this.#keptBytes + file.bytes.length > KEPT_BYTES_MAX) {
      throw new ApiError(400, {
        message: `This emulator keeps ${KEPT_BYTES_MAX} bytes of uploaded files: delete some first.`,
        param: 'file',
        code: 'storage_limit_exceeded',
      })
    }
    const kept = { id: `file-${randomBytes(12).toString('hex')}`, ...file }
    this.#files.set(kept.id, kept)
    this.#keptBytes += kept.bytes.length
    return kept
  }

  find(id: string): UploadedFile | undefined {
    this.#dropExpired()
    return this.#files.get(id)
  }

  /** Oldest first. */
  list(): UploadedFile[] {
    this.#dropExpired()
    return [...this.#files.values()]
  }

  delete(id: string): boolean {
    const file = this.find(id)
    if (file === undefined) return false
    this.#keptBytes -= file.bytes.length
    return this.#files.delete(id)
  }

  #dropExpired(): void {
    for (const { id, bytes, expiresAtMs } of this.#files.values()) {
      if (expiresAtMs === undefined || expiresAtMs > Date.now()) continue
      this.#files.delete(id)
      this.#keptBytes -= bytes.length
    }
  }
}
