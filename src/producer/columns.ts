import type { ImageRequest } from '../job.ts'
import { columnOf, COLUMNS, PICTURE_COLUMNS, type Column } from '../manifest-columns.ts'
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
  complexity: 'word',
  frame_count: 'integer',
  frame_duration_ms: 'integer',
  svg: 'author',
  stream: 'flag',
  partial_images: 'integer',
  style: 'word',
  response_format: 'word',
  user: 'text',
  safety_identifier: 'text',
} as const satisfies Record<keyof ImageRequest, ParameterKind>

/** `flag`: true or false; `author`: the API's nested object, who writes an svg and how hard they think. */
export type ParameterKind = 'text' | 'word' | 'integer' | 'flag' | 'author'

export {
  columnOf,
  COLUMNS,
  PARAMETERS,
  PICTURE_COLUMNS,
  type Column,
  type ParameterColumn,
  type PictureColumn,
} from '../manifest-columns.ts'

/** As OpenAI spells the body of a request, so without aliases. */
export function isApiColumn(name: string): boolean {
  return Object.hasOwn(PARAMETER_KINDS, name) || ['images', ...PICTURE_COLUMNS].includes(name)
}

/** What a header that is no column was probably meant to be. */
export function intendedColumn(header: string): Column | undefined {
  const name = variableNameOf(header)
  const known = columnOf(name)
  // Two or three letters are near everything.
  if (known !== undefined || name.length < 4) return known
  return nearest(name, COLUMNS) as Column | undefined
}

/** Why a header that is no column deserves a word, or undefined. renderq's own notes, `_error`, deserve none. */
export function headerWarning(header: string): string | undefined {
  if (header.startsWith('_')) return undefined
  const intended = intendedColumn(header)
  if (intended === undefined) return undefined
  return `column "${header}" is only a template variable (did you mean ${intended}?)`
}

/** The same headers are asked for in every row. */
const VARIABLE_NAMES_MAX = 10_000
const variableNames = new Map<string, string>()

/** `Image Src` → `image_src`: the name a template can use without brackets. */
export function variableNameOf(header: string): string {
  const known = variableNames.get(header)
  if (known !== undefined) return known
  const name = header
    .normalize()
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
  if (variableNames.size >= VARIABLE_NAMES_MAX) variableNames.clear()
  variableNames.set(header, name)
  return name
}
