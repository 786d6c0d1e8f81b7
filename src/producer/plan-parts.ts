import { open, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { PlannedRow } from '../job.ts'

const BUFFER_BYTES = 512 * 1024
/** UTF-8 takes at most so many bytes for each unit of a JavaScript string. */
const BYTES_PER_CHAR_MAX = 3

/** Unless somebody asks for another number. */
export const ROWS_PER_PART = 5_000

/** A local file, JSON Lines of PlannedRow: the rows from `firstRow` (zero-based) on. */
export interface PlanPart {
  file: string
  firstRow: number
  rowCount: number
}

/** Writes planned rows as JSON Lines, some thousand rows to a file, through one buffer. */
export class PlanParts {
  readonly #dir: string
  readonly #rowsPerPart: number
  readonly #parts: PlanPart[] = []
  #file: FileHandle | undefined
  #rowCount = 0
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  #byteCount = 0

  constructor(dir: string, rowsPerPart: number) {
    this.#dir = dir
    this.#rowsPerPart = rowsPerPart
  }

  async add(planned: PlannedRow): Promise<void> {
    this.#file ??= await this.#openNext()
    await this.#write(`${JSON.stringify(planned)}\n`)
    this.#rowCount += 1
    const part = this.#parts.at(-1)
    if (part !== undefined) part.rowCount += 1
    if (part?.rowCount === this.#rowsPerPart) await this.#close()
  }

  async #write(line: string): Promise<void> {
    const bytesMax = line.length * BYTES_PER_CHAR_MAX
    if (bytesMax > BUFFER_BYTES - this.#byteCount) await this.#flush()
    if (bytesMax > BUFFER_BYTES) await this.#file?.appendFile(line)
    else this.#byteCount += this.#buffer.write(line, this.#byteCount)
  }

  /** Completes the last file. */
  async finish(): Promise<readonly PlanPart[]> {
    await this.#close()
    return this.#parts
  }

  /** Removes what was written, and the folder if that leaves it empty. May be called again. */
  async remove(): Promise<void> {
    this.#byteCount = 0
    await this.#close()
    for (const { file } of this.#parts) await rm(file, { force: true })
    await rmdir(this.#dir).catch(() => {})
  }

  async #openNext(): Promise<FileHandle> {
    const number = String(this.#parts.length + 1).padStart(5, '0')
    const path = join(this.#dir, `part-${number}.jsonl`)
    const file = await open(path, 'wx')
    this.#parts.push({ file: path, firstRow: this.#rowCount, rowCount: 0 })
    return file
  }

  async #close(): Promise<void> {
    await this.#flush()
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#byteCount)
    this.#byteCount = 0
    if (bytes.length > 0) await this.#file?.appendFile(bytes)
  }
}
