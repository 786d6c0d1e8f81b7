import { Drop, Liquid, type Template } from 'liquidjs'
import { nearest } from '../nearest.ts'
import { isGiven } from './cell-values.ts'

/** More than a person writes; a column full of different templates must not fill the memory. */
const PARSED_MAX = 1_000
const TEMPLATE_CHARS_MAX = 64_000
const RENDER_MS_MAX = 1_000
/** In Liquid's unit: about one per character or element that a filter or a range makes. */
const RENDER_MEMORY_MAX = 1_000_000

/** What a template can name. Asked by name, because most templates use few of many columns. */
export interface TemplateVariables {
  /** Undefined when there is no such variable. */
  get(name: string): unknown
  /** For suggestions. */
  names(): string[]
}

export type Rendered =
  /** `blanks`: variables that left an empty place in the text. */
  | { kind: 'text'; text: string; blanks?: readonly string[] }
  | { kind: 'problem'; message: string; suggestion?: string }

/**
 * Liquid, strict: an unknown variable or filter is a problem, never an empty place in a prompt. Values go
 * in as they are, neither escaped nor rendered again. No file is ever read.
 */
export class Templates {
  readonly #liquid = strictLiquid()
  readonly #parsed = new Map<string, Parsed>()

  render(text: string, variables: TemplateVariables): Rendered {
    try {
      const parsed = this.#parse(text)
      if (parsed.kind === 'plain') return renderPlain(parsed.parts, variables)
      const globals = new VariablesDrop(variables)
      const rendered: unknown = this.#liquid.renderSync(parsed.template, {}, { globals })
      const blanks = parsed.names.filter((name) => !isGiven(variables.get(name)))
      return textWith(String(rendered), blanks)
    } catch (error) {
      return { kind: 'problem', ...this.#describe(error as LiquidFailure, text, variables) }
    }
  }

  #parse(text: string): Parsed {
    const known = this.#parsed.get(text)
    if (known !== undefined) return known
    const parts = plainParts(text)
    const parsed: Parsed =
      parts === undefined
        ? { kind: 'liquid', template: this.#liquid.parse(text), names: plainNamesIn(text) }
        : { kind: 'plain', parts }
    if (this.#parsed.size >= PARSED_MAX) this.#parsed.clear()
    this.#parsed.set(text, parsed)
    return parsed
  }

  #describe(
    failure: LiquidFailure,
    text: string,
    variables: TemplateVariables,
  ): { message: string; suggestion?: string } {
    const variable = failure.originalError?.variableName
    if (variable !== undefined) {
      return describeUnknown(spacedNameIn(text, variable) ?? variable, variables)
    }
    const reason = failure.message.replace(/, line:\d+, col:\d+$/, '')
    const filter = /^undefined filter: (.+)$/.exec(reason)?.[1]
    if (filter !== undefined) {
      const message = `{{ … | ${filter} }}: there is no such filter`
      return withSuggestion(message, nearest(filter, Object.keys(this.#liquid.filters)))
    }
    const isBroken = failure.name === 'ParseError' || failure.name === 'TokenizationError'
    const hint = isBroken ? '; for braces as plain text write {% raw %}{{…}}{% endraw %}' : ''
    return { message: `is a template that fails: ${reason}${hint}` }
  }
}

type Parsed =
  | { kind: 'liquid'; template: Template[]; names: readonly string[] }
  /** Text, name, text, name, …, text. */
  | { kind: 'plain'; parts: readonly string[] }

/** What Liquid does not take for a variable. */
const LITERALS: ReadonlySet<string> = new Set(['true', 'false', 'nil', 'null', 'empty', 'blank'])

/**
 * Nearly all templates are text with `{{ name }}` in it. Those are filled without Liquid, with the same
 * outcome and at several times its speed; undefined for any other.
 */
function plainParts(text: string): string[] | undefined {
  const parts = text.split(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/)
  const isPlain = parts.every((part, index) =>
    index % 2 === 0 ? !isTemplate(part) && !part.endsWith('{') : !LITERALS.has(part),
  )
  return isPlain ? parts : undefined
}

/** What is put in as it is. Whoever writes tags or filters has thought of empty values there. */
function plainNamesIn(text: string): string[] {
  if (text.includes('{%')) return []
  const names = [...text.matchAll(/\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}/g)].map(([, name = '']) => name)
  return names.filter((name) => !LITERALS.has(name))
}

function renderPlain(parts: readonly string[], variables: TemplateVariables): Rendered {
  let text = ''
  const blanks: string[] = []
  for (const [index, part] of parts.entries()) {
    const isName = index % 2 === 1
    const value = isName ? variables.get(part) : part
    if (value === undefined) return { kind: 'problem', ...describeUnknown(part, variables) }
    if (isName && !isGiven(value)) blanks.push(part)
    text += asText(value)
  }
  return textWith(text, blanks)
}

const textWith = (text: string, blanks: readonly string[]): Rendered =>
  blanks.length === 0 ? { kind: 'text', text } : { kind: 'text', text, blanks }

/** Text without these is no template: Liquid never sees it. */
export function isTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%')
}

/**
 * Liquid asks a drop for what it lacks, and takes its word. Of a plain object it would also take `size`: a
 * manifest without that column would get the number of its columns into the prompt.
 */
class VariablesDrop extends Drop {
  readonly #variables: TemplateVariables

  constructor(variables: TemplateVariables) {
    super()
    this.#variables = variables
  }

  override liquidMethodMissing(name: string | number): unknown {
    return this.#variables.get(String(name))
  }
}

interface LiquidFailure extends Error {
  originalError?: { variableName?: string }
}

function strictLiquid(): Liquid {
  const liquid = new Liquid({
    strictVariables: true,
    strictFilters: true,
    // `{{ color | default: "red" }}` and `{% if color %}` may ask for what is not there.
    lenientIf: true,
    ownPropertyOnly: true,
    // Partials would be looked up in here instead of on the disk.
    templates: {},
    outputEscape: asText,
    // A date reads the same on every machine: in the zone it names, or as it is written.
    timezoneOffset: 0,
    preserveTimezones: true,
    locale: 'en-US',
    parseLimit: TEMPLATE_CHARS_MAX,
    renderLimit: RENDER_MS_MAX,
    memoryLimit: RENDER_MEMORY_MAX,
  })
  for (const tag of ['include', 'render', 'layout', 'block']) delete liquid.tags[tag]
  // A row must give the same request every time it is planned, or it is bought again.
  liquid.unregisterFilter('sample')
  for (const name of Object.keys(liquid.filters).filter((name) => /^date(_|$)/.test(name))) {
    refuseToday(liquid, name)
  }
  // Would go around `asText`; nothing is escaped that needs it.
  liquid.unregisterFilter('raw')
  return liquid
}

type Filter = (this: unknown, value: unknown, ...args: unknown[]) => unknown

/** The time of planning would make another request, and another purchase, of every plan. */
function refuseToday(liquid: Liquid, name: string): void {
  const filter = liquid.filters[name] as Filter
  liquid.registerFilter(name, function (value: unknown, ...args: unknown[]) {
    if (value === 'now' || value === 'today') {
      throw new Error(`"${value}" changes with every plan: write the date, or --set date=…`)
    }
    // Without a time of day JavaScript takes the date for UTC, but shows it in the local zone.
    const isDay = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)
    return filter.call(this, isDay ? `${value}T00:00:00Z` : value, ...args)
  })
}

type Printable = string | number | boolean | object | null | undefined

function asText(value: Printable): string {
  if (typeof value !== 'object' || value === null) return String(value ?? '')
  throw new Error(
    Array.isArray(value)
      ? 'a list has no text of its own: write {{ … | join: ", " }}'
      : 'a group of values has no text of its own: name one of them',
  )
}

/** Of `{{ Product Name }}` Liquid only reads `Product`; what was meant is `product_name`. */
function spacedNameIn(text: string, variable: string): string | undefined {
  const names = text.matchAll(/\{\{-?\s*(\w+(?: \w+)+)\s*(?:-?\}\}|\|)/g)
  return [...names].map(([, name]) => name).find((name) => name?.startsWith(`${variable} `))
}

function describeUnknown(variable: string, variables: TemplateVariables) {
  const name = variable.replace(/^row\./, '').replaceAll(' ', '_')
  const message = `{{ ${variable} }}: there is no such column`
  return withSuggestion(message, nearest(name, variables.names()))
}

function withSuggestion(message: string, suggestion: string | undefined) {
  return suggestion === undefined ? { message } : { message, suggestion }
}
