import { isUtf8 } from 'node:buffer'
import type { Findings } from './findings.ts'
import { peek } from './peek.ts'
import { countLineEnds } from './taken-bytes.ts'

/** U+FFFD as UTF-8: what a decoder leaves where it found nonsense. */
const REPLACEMENT = Buffer.from('\uFFFD')
const LINE_FEED = 0x0a

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be'

/**
 * The manifest as UTF-8 without byte order mark, in chunks that never cut a character. Bytes that are no
 * text are reported line by line and passed on: the rows are checked all the same, and nothing is sent.
 */
export async function* utf8Text(
  source: AsyncIterable<Buffer>,
  findings: Findings,
): AsyncGenerator<Buffer> {
  const { head, chunks } = await peek(source, (head) => head.length >= 4)
  const { encoding, markBytes } = encodingOf(head)
  const marked = withoutFirst(markBytes, chunks)
  const text = encoding === 'utf-8' ? wholeCharacters(marked) : fromUtf16(marked, encoding)
  const checker = new TextChecker(encoding, findings)
  for await (const chunk of text) {
    if (chunk.length === 0) continue
    checker.check(chunk)
    yield chunk
  }
}

/** By the byte order mark or, for UTF-16 without one, by the zero half of the first (ASCII) character. */
function encodingOf(head: Buffer): { encoding: Encoding; markBytes: number } {
  const [first, second, third] = head
  if (first === 0xef && second === 0xbb && third === 0xbf)
    return { encoding: 'utf-8', markBytes: 3 }
  if (first === 0xff && second === 0xfe) return { encoding: 'utf-16le', markBytes: 2 }
  if (first === 0xfe && second === 0xff) return { encoding: 'utf-16be', markBytes: 2 }
  if (second === 0 && first !== 0) return { encoding: 'utf-16le', markBytes: 0 }
  if (first === 0 && second !== undefined && second !== 0) {
    return { encoding: 'utf-16be', markBytes: 0 }
  }
  return { encoding: 'utf-8', markBytes: 0 }
}

/** The first chunk holds the whole mark: it was peeked. */
async function* withoutFirst(
  byteCount: number,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let isFirst = true
  for await (const chunk of chunks) {
    yield isFirst ? chunk.subarray(byteCount) : chunk
    isFirst = false
  }
}

async function* fromUtf16(
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding,
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }))
  yield Buffer.from(decoder.decode())
}

async function* wholeCharacters(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let carry: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = carry.length === 0 ? chunk : Buffer.concat([carry, chunk])
    const cut = bytes.length - incompleteTail(bytes)
    carry = bytes.subarray(cut)
    yield bytes.subarray(0, cut)
  }
  yield carry
}

/** How many bytes at the end begin a character that is not complete; 0 to 3. */
function incompleteTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    const isContinuation = (byte & 0xc0) === 0x80
    if (isContinuation) continue
    const characterBytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return characterBytes > back ? back : 0
  }
  return 0
}

/** Names each line that holds something else than text; one problem per line is enough to find it. */
class TextChecker {
  readonly #encoding: Encoding
  readonly #findings: Findings
  #line = 1
  #lineReported = 0
  #previous: number | undefined

  constructor(encoding: Encoding, findings: Findings) {
    this.#encoding = encoding
    this.#findings = findings
  }

  check(chunk: Buffer): void {
    if (this.#isText(chunk)) this.#passOver(chunk)
    else this.#checkLines(chunk)
  }

  #passOver(bytes: Buffer): void {
    this.#line += countLineEnds(bytes, this.#previous)
    this.#previous = bytes.at(-1)
  }

  #checkLines(chunk: Buffer): void {
    let from = 0
    while (from < chunk.length) {
      const end = chunk.indexOf(LINE_FEED, from)
      const line = chunk.subarray(from, end === -1 ? chunk.length : end + 1)
      if (!this.#isText(line) && this.#lineReported !== this.#line) this.#report(line)
      this.#passOver(line)
      from += line.length
    }
  }

  #isText(bytes: Buffer): boolean {
    if (bytes.includes(0)) return false
    return this.#encoding === 'utf-8' ? isUtf8(bytes) : !bytes.includes(REPLACEMENT)
  }

  #report(line: Buffer): void {
    this.#lineReported = this.#line
    this.#findings.problem({ line: this.#line, message: this.#describe(line) })
  }

  #describe(line: Buffer): string {
    if (line.includes(0)) return 'holds a NUL byte: this is not a text file, or a broken one'
    if (this.#encoding !== 'utf-8') return 'holds a broken UTF-16 character: save as CSV UTF-8'
    const before = line.toString('utf8').indexOf('\uFFFD')
    const byte = line[Buffer.byteLength(line.toString('utf8').slice(0, before))] ?? 0
    const hex = byte.toString(16).toUpperCase().padStart(2, '0')
    return `is not UTF-8 (byte 0x${hex}): save the file as "CSV UTF-8", or convert it to UTF-8`
  }
}
