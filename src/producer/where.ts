/**
 * The little language of `--where`: `code=api_unavailable,id~mug`. A field, how it is compared, a value; commas
 * mean "and". Values with commas or blanks at their ends stand in double quotes, a quote inside them twice.
 */
import { ConfigError } from '../errors.ts'

export interface Condition {
  field: string
  /** Equal, not equal, contains (letters in any case). */
  operator: '=' | '!=' | '~'
  value: string
}

const FIELD = /\s*(?:"((?:[^"]|"")*)"|([^"=~,]*?))\s*(!=|=|~)/y
const VALUE = /\s*(?:"((?:[^"]|"")*)"|((?!\s*")[^,]*?))\s*(,|$)/y

/** Throws ConfigError that names the place where it stops making sense, with an example of what is asked for. */
export function parseWhere(text: string, example = 'code=api_unavailable,id~mug'): Condition[] {
  const conditions: Condition[] = []
  let at = 0
  for (let more = true; more;) {
    const field = take(FIELD, text, at)
    const name = textOf(field)
    if (field === undefined || name === undefined || name === '') {
      throw bad(text, at, { what: 'write a field, then =, != or ~, then a value', example })
    }
    const value = take(VALUE, text, field.end)
    if (value === undefined) {
      const what = 'its closing quote is missing, or more follows it'
      throw bad(text, field.end, { what, example })
    }
    conditions.push({
      field: name,
      operator: field.last as Condition['operator'],
      value: textOf(value) ?? '',
    })
    at = value.end
    more = value.last === ','
  }
  return conditions
}

/** `valueOf` gives undefined for a field that the thing lacks: it counts as empty. */
export function matches(
  conditions: readonly Condition[],
  valueOf: (field: string) => string | undefined,
): boolean {
  return conditions.every(({ field, operator, value }) => {
    // An accent may be part of its letter or a sign of its own: it reads the same.
    const [found, wanted] = [(valueOf(field) ?? '').normalize(), value.normalize()]
    switch (operator) {
      case '=':
        return found === wanted
      case '!=':
        return found !== wanted
      case '~':
        return found.toLowerCase().includes(wanted.toLowerCase())
    }
  })
}

interface Taken {
  quoted: string | undefined
  plain: string | undefined
  last: string
  end: number
}

function take(pattern: RegExp, text: string, at: number): Taken | undefined {
  pattern.lastIndex = at
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, quoted, plain, last = ''] = match
  return { quoted, plain, last, end: pattern.lastIndex }
}

const textOf = (taken: Taken | undefined): string | undefined =>
  taken?.quoted?.replaceAll('""', '"') ?? taken?.plain

function bad(text: string, at: number, { what, example }: { what: string; example: string }) {
  const rest = text.slice(at).trim()
  const place = rest === '' ? 'at its end' : `at ${JSON.stringify(rest)}`
  return new ConfigError(`--where ${JSON.stringify(text)}: ${place}: ${what}, e.g. '${example}'`)
}
