/**
 * What editors and other programs may know of the rows of a manifest. As the reader does, it takes cells as
 * text, templates, blanks and nulls; what a model takes is not decided here, but when the manifest is checked.
 */
import { z } from 'zod'
import { FILE_ID, ImageRequest, InputPicture, OPERATIONS } from '../job.ts'
import { ALIASES, COLUMNS, type Column } from '../manifest-columns.ts'
import { OPERATION_OF_URL } from '../producer/batch-line.ts'
import {
  isApiColumn,
  PARAMETER_KINDS,
  PICTURE_COLUMNS,
  type ParameterColumn,
} from '../producer/columns.ts'
import { FLAGS_ALONE } from '../producer/read-json.ts'

const MEANINGS: Readonly<Record<Column, string>> = {
  id: "The row's own name, unique in the manifest, the same from export to export: a SKU.",
  operation: `${OPERATIONS.join(', ')}. Without it: edit when the row names an input picture, else generate.`,
  image: 'An input picture or several: paths beside the manifest, URLs, s3:// or file ids.',
  mask: 'The mask of an edit: a PNG, transparent where to edit.',
  markup: 'Marks that steer an edit, drawn over the first image: a PNG.',
  name: 'Template of the object name, without extension.',
  model: 'gpt-image-2 unless given (dall-e-2 for a variation).',
  prompt: 'What to draw; a Liquid template over the columns of the row.',
  n: 'Pictures from this one row.',
  size: 'auto or WIDTHxHEIGHT, such as 1024x1024.',
  quality: 'low, medium, high or auto; newer models also xhigh and max; DALL-E standard and hd.',
  background: 'auto, opaque or transparent.',
  output_format: 'png, jpeg or webp; some models also gif and svg.',
  output_compression: 'Of jpeg and webp.',
  moderation: 'auto or low.',
  input_fidelity: 'low or high; of an edit.',
  complexity: 'low, medium or high: how much is planned before drawing.',
  frame_count: 'Of a gif.',
  frame_duration_ms: 'Of a gif.',
  svg: 'Who writes an svg, where the account may choose.',
  stream: 'The answer comes in pieces.',
  partial_images: 'Pictures on the way to the result.',
  style: 'vivid or natural; dall-e-3 only.',
  response_format: 'b64_json or url; DALL-E only.',
  user: 'Passed on.',
  safety_identifier: 'Passed on.',
}

const Blank = z.null()
const Template = /\{\{|\{%/
const either = (...patterns: readonly RegExp[]) =>
  z.string().regex(new RegExp(patterns.map(({ source }) => `(?:${source})`).join('|')))
const Nothing = /^\s*$/

const Text = z.union([z.string(), z.number(), z.boolean(), Blank])
const Flag = z.union([
  z.boolean(),
  either(/^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$/, Template, Nothing),
  Blank,
])
const integerIn = (limits: z.ZodType) =>
  z.union([limits, either(/^\s*[+-]?\d+\s*$/, Template, Nothing), Blank])

const [StoredPicture] = InputPicture.options
const PictureName = z
  .union([
    z.string(),
    z.strictObject({ image_url: z.string() }).describe('Fetched by the API itself.'),
    z.strictObject({ file_id: either(FILE_ID, Template) }).describe("Of the API's Files service."),
    StoredPicture.describe('As failed.jsonl names a picture that the store has.'),
  ])
  .meta({ id: 'picture' })
const Pictures = z.union([PictureName, z.array(PictureName), Blank]).meta({ id: 'pictures' })

function cellOf(column: Column): z.ZodType {
  if ((PICTURE_COLUMNS as readonly string[]).includes(column)) return Pictures
  const kind = (PARAMETER_KINDS as Partial<Record<Column, string>>)[column]
  const value = ImageRequest.shape[column as ParameterColumn] as z.ZodType | undefined
  const limits = value instanceof z.ZodOptional ? (value.unwrap() as z.ZodType) : value
  if (column === 'operation') return z.union([z.enum(OPERATIONS), Text])
  if (limits === undefined) return Text
  if (kind === 'integer') return integerIn(limits)
  if (kind === 'flag') return Flag
  return kind === 'author' ? z.union([limits, z.string(), Blank]) : Text
}

const columns = Object.fromEntries([
  ...COLUMNS.map((column) => [column, cellOf(column).optional().describe(MEANINGS[column])]),
  ...Object.entries(ALIASES).map(([alias, column]) => [
    alias,
    cellOf(column).optional().describe(`Another spelling of ${column}.`),
  ]),
]) as Record<string, z.ZodType>

/** Any other column is a variable of its templates. */
export const Row = z.looseObject(columns)

const flags = Object.fromEntries(
  [...FLAGS_ALONE].map((name) => [
    name,
    z.never().optional().describe('A flag of the command, and not for defaults.'),
  ]),
)

export const Defaults = z.looseObject({ ...columns, ...flags })

const parameters = Object.fromEntries(Object.entries(columns).filter(([name]) => isApiColumn(name)))

export const BatchLine = z.strictObject({
  custom_id: Text.optional().describe("The row's id."),
  method: z.literal('POST').optional(),
  url: z.enum([...OPERATION_OF_URL.keys()] as [string, ...string[]]),
  body: z.strictObject(parameters),
})
