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

/**
 * Walks a JSON text without building anything, for what `JSON.parse` keeps to itself: where the text is
 * broken, and where each row begins. Accepts what `JSON.parse` accepts, up to its nesting limit.
 */
export class JsonScanner {
  readonly #text: string
  #at = 0
  #nesting = 0
  #key = ''
  #rowOffsets: number[] = []

  private constructor(text: string) {
    this.#text = text
  }

  /**
   * Offsets of the elements of the array that is the whole text, or that its key `rows` holds. Throws
   * JsonSyntaxError.
   */
  static rowOffsets(text: string): readonly number[] {
    const scanner = new JsonScanner(text)
    scanner.#value()
    if (scanner.#next() !== undefined) scanner.#fail('expected nothing after the end')
    return scanner.#rowOffsets
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
    if (first === '{') this.#list('}', () => this.#member())
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

  #member(): void {
    if (this.#next() !== '"') this.#fail('expected a name in double quotes')
    const start = this.#at
    this.#string()
    const isOutermost = this.#nesting === 1
    this.#key = isOutermost ? (JSON.parse(this.#text.slice(start, this.#at)) as string) : ''
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
