/**
 * Which values are a setting at all, of whatever model. Of the parameters that have words for names which products have
 * too: shirts have a size, posters a format.
 */
import { IMAGE_MODELS, type ImageModel } from './models.ts'
import { parseSize } from './sizes.ts'

const ofModels = (valuesOf: (model: ImageModel) => readonly string[]): ReadonlySet<string> =>
  new Set(IMAGE_MODELS.flatMap(valuesOf))

const KNOWN: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['size', ofModels(({ sizes }) => ['auto', ...sizes.listed])],
  ['style', ofModels(({ styles }) => styles)],
  ['quality', ofModels(({ qualities }) => qualities)],
  ['background', ofModels(({ backgrounds }) => backgrounds)],
  ['output_format', ofModels(({ formats }) => Object.values(formats).flat())],
])

/** Such as a size `50x70`, whatever becomes of it, but not a size `XL`. True of all other parameters. */
export function isSomeSetting(parameter: string, value: unknown): boolean {
  const known = KNOWN.get(parameter)
  if (known === undefined || typeof value !== 'string' || known.has(value)) return true
  return parameter === 'size' && parseSize(value) !== undefined
}
