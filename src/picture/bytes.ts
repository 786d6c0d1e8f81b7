/** What the readers of the single formats share. */

/** Not a picture, a kind we don't know, or a damaged one. The message says which. */
export class PictureBrokenError extends Error {
  override readonly name = 'PictureBrokenError'
}

export interface Measures {
  width: number
  height: number
  hasAlpha: boolean
}

export interface Bytes {
  readonly byteCount: number
  /** As many of the `length` bytes at `from` as there are. */
  read(from: number, length: number): Promise<Buffer>
}

/** How much of a file is looked at to know its format. */
export const HEAD_BYTES = 4_096
/** How much is read at once where a format has to be read through. */
export const SCAN_BYTES = 65_536
/** Chunks, segments or blocks of one file: far above any real picture, so that a walk always ends. */
export const PARTS_MAX = 100_000

export async function readExactly(
  bytes: Bytes,
  { from, length, cut }: { from: number; length: number; cut: string },
): Promise<Buffer> {
  const read = await bytes.read(from, length)
  if (read.length < length) throw cutShort(cut)
  return read
}

export const cutShort = (what: string): PictureBrokenError =>
  new PictureBrokenError(`cut short: ${what}`)
