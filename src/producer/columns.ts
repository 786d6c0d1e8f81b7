import type { ImageRequest } from '../job.ts'
import { nearest } from '../nearest.ts'

/**
 * The API's parameters and how a cell's text becomes their value: a word is one of a few, upper or lower case.
 * A new parameter does not compile until it is here.
 */
export const PARAMETER_KINDS = {
  model: 'text',
  prompt: 'text',
  n: 'integer',
  size: 'word',
  quality: 'word',
  background: 'word',
  output_format: 'word',
  output_compression: 'integer',
  moderation: 'word',
  input_fidelity: 'word',
  style: 'word',
  response_format: 'word',
  user: 'text',
  safety_identifier: 'text',
} as const satisfies Record<keyof ImageRequest, 'text' | 'word' | 'integer'>

export type ParameterColumn = keyof typeof PARAMETER_KINDS
export type Column = ParameterColumn | 'id' | 'operation' | 'image' | 'mask' | 'name'

export const PARAMETERS = Object.keys(PARAMETER_KINDS) as ParameterColumn[]
const COLUMNS: readonly Column[] = ['id', 'operation', 'image', 'mask', 'name', ...PARAMETERS]

/** Only what cannot be meant otherwise: an alias takes the name away from the template variables. */
const ALIASES: Readonly<Record<string, Column>> = {
  custom_id: 'id',
  images: 'image',
  format: 'output_format',
  compression: 'output_compression',
  count: 'n',
  filename: 'name',
}

const COLUMN_OF_NAME: ReadonlyMap<string, Column> = new Map([
  ...COLUMNS.map((column) => [column, column] as const),
  ...Object.entries(ALIASES),
])

/** Parameters of the API that are not sent yet: someone who gives one should hear that nothing happens. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'stream',
  'partial_images',
  'complexity',
  'markup',
  'frame_count',
  'frame_duration_ms',
  'svg',
])

/** The column a header names, whatever its case; undefined: a template variable. */
export function columnOf(header: string): Column | undefined {
  return COLUMN_OF_NAME.get(header.toLowerCase())
}

/** As OpenAI spells the body of a request, so without aliases. */
export function isApiColumn(name: string): boolean {
  return Object.hasOwn(PARAMETER_KINDS, name) || ['image', 'images', 'mask'].includes(name)
}

/** What a header that is no column was probably meant to be. */
export function intendedColumn(header: string): Column | undefined {
  const name = variableNameOf(header)
  const known = COLUMN_OF_NAME.get(name)
  // Two or three letters are near everything.
  if (known !== undefined || name.length < 4) return known
  return nearest(name, COLUMNS) as Column | undefined
}

/** Why a header that is no column deserves a word, or undefined. */
export function headerWarning(header: string): string | undefined {
  if (NOT_SENT.has(variableNameOf(header))) {
    return `column "${header}" is a parameter that renderq does not send yet: it is only a template variable`
  }
  const intended = intendedColumn(header)
  if (intended === undefined) return undefined
  return `column "${header}" is only a template variable (did you mean ${intended}?)`
}

/** `Image Src` → `image_src`: the name a template can use without brackets. */
export function variableNameOf(header: string): string {
  return header
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
}
