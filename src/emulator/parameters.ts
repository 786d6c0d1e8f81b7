import { ApiError, badImageValue, badRequest } from './api-error.ts'

/**
 * Reads the parameters of one request, refusing what has the wrong type or range with the API's own
 * codes. In a multipart form every value is text, so there numbers and booleans are read from text.
 */
export class Parameters {
  readonly #values: ReadonlyMap<string, unknown>
  readonly #textual: boolean
  constructor(values: ReadonlyMap<string, unknown>, encoding: 'json' | 'multipart') {
    this.#values = values
    this.#textual = encoding === 'multipart'
  }

  text(name: string, charsMax = Infinity): string | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw wrongType(name, 'a string', value)
    if (value.length > charsMax) throw tooLong(name, value.length, charsMax)
    return value
  }

  integer(name: string, min: number, max: number): number | undefined {
    const raw = this.#values.get(name)
    if (raw === undefined) return undefined
    const value = this.#textual ? fromDigits(raw) : raw
    if (!Number.isInteger(value)) throw wrongType(name, 'an integer', raw)
    const number = value as number
    if (number < min) throw outOfRange(name, number, { word: 'minimum', sign: '>=', limit: min })
    if (number > max) throw outOfRange(name, number, { word: 'maximum', sign: '<=', limit: max })
    return number
  }

  flag(name: string): boolean | undefined {
    const raw = this.#values.get(name)
    if (raw === undefined) return undefined
    if (raw === true || (this.#textual && raw === 'true')) return true
    if (raw === false || (this.#textual && raw === 'false')) return false
    throw wrongType(name, 'a boolean', raw)
  }

  /** A JSON object; its fields are the caller's matter. */
  object(name: string): Record<string, unknown> | undefined {
    const value = this.#values.get(name)
    if (value === undefined) return undefined
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(name, 'an object', value)
    }
    return value as Record<string, unknown>
  }

  /** One of `allowed`. Which values a model takes is its own matter, hence the image error type. */
  choice<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) {
      throw badImageValue(
        name,
        `Invalid value: '${value}'. Supported values are: ${listed(allowed)}.`,
      )
    }
    return found
  }
}

function fromDigits(raw: unknown): unknown {
  return typeof raw === 'string' && /^-?\d{1,15}$/.test(raw) ? Number(raw) : raw
}

function wrongType(name: string, expected: string, value: unknown): ApiError {
  const got = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`
  const message = `Invalid type for '${name}': expected ${expected}, but got ${got} instead.`
  return badRequest(name, 'invalid_type', message)
}

function tooLong(name: string, length: number, max: number): ApiError {
  const message = `Invalid '${name}': string too long. Expected a string with maximum length ${max}, but got a string with length ${length} instead.`
  return badRequest(name, 'string_above_max_length', message)
}

interface Bound {
  word: 'minimum' | 'maximum'
  sign: '>=' | '<='
  limit: number
}

function outOfRange(name: string, value: number, { word, sign, limit }: Bound): ApiError {
  const [direction, code] =
    word === 'minimum' ? ['below', 'integer_below_min_value'] : ['above', 'integer_above_max_value']
  const message = `Invalid '${name}': integer ${direction} ${word} value. Expected a value ${sign} ${limit}, but got ${value} instead.`
  return badRequest(name, code, message)
}

/** 'a', 'b', and 'c' */
export function listed(values: readonly string[]): string {
  const quoted = values.map((value) => `'${value}'`)
  return quoted.length < 2
    ? quoted.join('')
    : `${quoted.slice(0, -1).join(', ')}${quoted.length > 2 ? ',' : ''} and ${quoted.at(-1)}`
}
