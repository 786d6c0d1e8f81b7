/** A local file, written piece by piece. */
import { open, type FileHandle } from 'node:fs/promises'

const BUFFERED_CHARS_MAX = 256 * 1024

/** What is held of it is bounded. Not whole before it is flushed. */
export class TextFile implements AsyncDisposable {
  readonly path: string
  readonly #handle: FileHandle
  #buffered = ''

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  static async create(path: string): Promise<TextFile> {
    return new TextFile(path, await open(path, 'wx'))
  }

  async add(text: string): Promise<void> {
    this.#buffered += text
    if (this.#buffered.length > BUFFERED_CHARS_MAX) await this.flush()
  }

  async flush(): Promise<void> {
    const text = this.#buffered
    this.#buffered = ''
    if (text !== '') await this.#handle.appendFile(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}
