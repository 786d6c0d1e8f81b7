import { open, rm, rmdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { RenderJob } from '../job.ts'

const BUFFERED_CHARS_MAX = 256 * 1024

/** A local file, JSON Lines of RenderJob: the rows from `firstRow` (zero-based) on. */
export interface PlanPart {
  file: string
  firstRow: number
  rowCount: number
}

/** Writes planned jobs as JSON Lines, some thousand rows to a file, holding a fraction of one file at a time. */
export class PlanParts {
  readonly #dir: string
  readonly #rowsPerPart: number
  readonly #parts: PlanPart[] = []
  #file: FileHandle | undefined
  #rowCount = 0
  #buffered = ''

  constructor(dir: string, rowsPerPart: number) {
    this.#dir = dir
    this.#rowsPerPart = rowsPerPart
  }

  async add(job: RenderJob): Promise<void> {
    this.#file ??= await this.#openNext()
    this.#buffered += `${JSON.stringify(job)}\n`
    this.#rowCount += 1
    const part = this.#parts.at(-1)
    if (part !== undefined) part.rowCount += 1
    if (part?.rowCount === this.#rowsPerPart) await this.#close()
    else if (this.#buffered.length > BUFFERED_CHARS_MAX) await this.#flush()
  }

  /** Completes the last file. */
  async finish(): Promise<readonly PlanPart[]> {
    await this.#close()
    return this.#parts
  }

  /** Removes what was written, and the folder if that leaves it empty. May be called again. */
  async remove(): Promise<void> {
    this.#buffered = ''
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
    const text = this.#buffered
    this.#buffered = ''
    if (text !== '') await this.#file?.appendFile(text)
  }
}
