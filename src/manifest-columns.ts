/** The columns of a manifest that mean something: what the producer reads, and `failed.jsonl` writes again. */
import { ImageRequest } from './job.ts'

export type ParameterColumn = keyof ImageRequest
export type PictureColumn = (typeof PICTURE_COLUMNS)[number]
export type Column = ParameterColumn | PictureColumn | 'id' | 'operation' | 'name'

export const PARAMETERS = Object.keys(ImageRequest.shape) as ParameterColumn[]
export const PICTURE_COLUMNS = ['image', 'mask', 'markup'] as const
export const COLUMNS: readonly Column[] = [
  'id',
  'operation',
  ...PICTURE_COLUMNS,
  'name',
  ...PARAMETERS,
]

/** Only what cannot be meant otherwise: an alias takes the name away from the template variables. */
export const ALIASES: Readonly<Record<string, Column>> = {
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

/** The column a header names, whatever its case; undefined: a template variable. */
export function columnOf(header: string): Column | undefined {
  return COLUMN_OF_NAME.get(header.toLowerCase())
}
