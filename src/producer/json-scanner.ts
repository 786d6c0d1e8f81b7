/** Deeper than any manifest, and far from the end of the stack. */
const NESTING_MAX = 64
const SPACE = /[ \t\n\r]*/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
const DOUBLE_QUOTE = 0x22
const BACKSLASH = 0x5c

export class JsonSyntaxError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** More are more than anyone reads. */
const REPEATS_MAX = 1_000

interface JsonScan {
  /** Of the elements of the array that is the whole text, or that its key `rows` holds. */
  rowOffsets: readonly number[]
  /** Names that an object has already: `JSON.parse` keeps the last and drops the others in silence. */
  repeats: readonly { name: string; offset: number }[]
}

/**
 * Walks a JSON text without building anything, for what `JSON.parse` keeps to itself: where the text is
 * broken, where each row begins, and which names are repeated. Accepts what `JSON.parse` accepts, up to its nesting limit.
 */
export class JsonScanner {
  readonly #text: string
  #at = 0
  #nesting = 0
  #key = ''
  #rowOffsets: number[] = []
  readonly #repeats: { name: string; offset: number }[] = []

  private constructor(text: string) {
    this.#text = text
  }

  /** Throws JsonSyntaxError. */
  static scan(text: string): JsonScan {
    const scanner = new JsonScanner(text)
    scanner.#value()
    if (scanner.#next() !== undefined) scanner.#fail('expected nothing after the end')
    return { rowOffsets: scanner.#rowOffsets, repeats: scanner.#repeats }
  }

  /** The next character after white space, not consumed; undefined at the end. */
  #next(): string | undefined {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
    return this.#text[this.#at]
  }

  #value(): void {
    const first = this.#next()
    if (first === '{') this.#object()
    else if (first === '[' && this.#holdsRows()) this.#list(']', () => this.#row())
    else if (first === '[') this.#list(']', () => this.#value())
    else if (first === '"') this.#string()
    else this.#scalar()
  }

  #holdsRows(): boolean {
    const isHere = this.#nesting === 0 || (this.#nesting === 1 && this.#key === 'rows')
    // Of several keys named `rows`, JSON.parse keeps the last.
    if (isHere) this.#rowOffsets = []
    return isHere
  }

  #row(): void {
    this.#next()
    this.#rowOffsets.push(this.#at)
    this.#value()
  }

  #object(): void {
    const names = new Set<string>()
    this.#list('}', () => this.#member(names))
  }

  #member(names: Set<string>): void {
    if (this.#next() !== '"') this.#fail('expected a name in double quotes')
    const start = this.#at
    this.#string()
    const name = JSON.parse(this.#text.slice(start, this.#at)) as string
    this.#key = this.#nesting === 1 ? name : ''
    if (names.has(name) && this.#repeats.length < REPEATS_MAX) {
      this.#repeats.push({ name, offset: start })
    }
    names.add(name)
    if (this.#next() !== ':') this.#fail('expected ":" after the name')
    this.#at += 1
    this.#value()
  }

  #list(close: ']' | '}', item: () => void): void {
    this.#at += 1
    this.#nesting += 1
    if (this.#nesting > NESTING_MAX) this.#fail(`nested deeper than ${NESTING_MAX} levels`)
    if (this.#next() !== close) {
      do item()
      while (this.#takesComma(close))
    }
    this.#at += 1
    this.#nesting -= 1
  }

  #takesComma(close: string): boolean {
    const next = this.#next()
    if (next !== ',' && next !== close) this.#fail(`expected "," or "${close}"`)
    if (next === ',') this.#at += 1
    return next === ','
  }

  #string(): void {
    for (this.#at += 1; ; this.#at += 1) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === DOUBLE_QUOTE) break
      if (Number.isNaN(code)) this.#fail('the text in quotes is not closed')
      if (code < 0x20) this.#fail('a line break or control character in quotes: write \\n')
      if (code === BACKSLASH) this.#escape()
    }
    this.#at += 1
  }

  #escape(): void {
    ESCAPE.lastIndex = this.#at
    if (!ESCAPE.test(this.#text)) this.#fail('a backslash that escapes nothing: write \\\\')
    this.#at = ESCAPE.lastIndex - 1
  }

  #scalar(): void {
    SCALAR.lastIndex = this.#at
    if (!SCALAR.test(this.#text)) this.#fail('expected a value')
    this.#at = SCALAR.lastIndex
  }

  #fail(expected: string): never {
    const found = this.#text.codePointAt(this.#at)
    const where = found === undefined ? 'the end' : JSON.stringify(String.fromCodePoint(found))
    throw new JsonSyntaxError(`${expected}, found ${where}`, this.#at)
  }
}
