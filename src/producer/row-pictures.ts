import { DATA_URL_CHARS_MAX, dataUrlCharsOf } from '../images-api/edit-form.ts'
import type { PictureContext } from '../images-api/rules.ts'
import type { InputPicture } from '../job.ts'
import type { PictureSize } from '../picture/orientation.ts'
import { areGlued, picturesOf, quoted, type PictureName } from './cell-values.ts'
import { PICTURE_COLUMNS, type PictureColumn } from './columns.ts'
import type { Findings } from './findings.ts'
import type { InputPictures, LocalPicture, PictureResult } from './input-pictures.ts'
import type { RowValues } from './request-subject.ts'

/** The API's documents name 4 MB in one place and 50 MB in another. */
const MASK_BYTES_SAFE = 4 * 1024 * 1024
const MASK_WARNING = 'a mask of 4 MB or more may be refused by the API'

type Found = Extract<PictureResult, { kind: 'picture' }>
type Problem = Extract<PictureResult, { kind: 'problem' }>
type Overlay = 'mask' | 'markup'

interface Place {
  line: number
  column: PictureColumn
}

export interface RowPictures {
  /** In the row's order; fewer than it names when there were problems. */
  images: InputPicture[]
  mask?: InputPicture
  markup?: InputPicture
  /** What the row names, found or not; a cell that can't be read counts as one. */
  context: PictureContext
}

const NO_PICTURES: RowPictures = {
  images: [],
  context: { imageCount: 0, hasMask: false, hasMarkup: false, references: [], tooLargeForJson: [] },
}

/** Finds what a row's `image`, `mask` and `markup` name; whatever is wrong with them goes to the findings. */
export class RowPictureFinder {
  readonly #pictures: InputPictures
  readonly #findings: Findings

  constructor(pictures: InputPictures, findings: Findings) {
    this.#pictures = pictures
    this.#findings = findings
  }

  async find(line: number, values: RowValues): Promise<RowPictures> {
    if (!PICTURE_COLUMNS.some((column) => values.has(column))) return NO_PICTURES
    const names = this.#namesIn(values, { line, column: 'image' })
    const images = await this.#findAll(names ?? [], { line, column: 'image' })
    const mask = await this.#findOverlay('mask', line, values)
    const markup = await this.#findOverlay('markup', line, values)
    this.#checkMask(mask?.local, images[0]?.local, line)
    await this.#checkMarkup(markup, images[0]?.local, line)
    return {
      images: images.flatMap((image) => image?.input ?? []),
      ...(mask !== undefined && { mask: mask.input }),
      ...(markup !== undefined && { markup: markup.input }),
      context: {
        imageCount: names?.length ?? 1,
        hasMask: values.has('mask'),
        hasMarkup: values.has('markup'),
        references: columnsWith(isReference, images, mask),
        tooLargeForJson: columnsWith(isTooLargeForJson, images, mask),
      },
    }
  }

  async #findOverlay(column: Overlay, line: number, values: RowValues): Promise<Found | undefined> {
    const names = this.#namesIn(values, { line, column }) ?? []
    if (names.length > 1) {
      this.#findings.problem({ line, column, message: 'names more than one picture' })
    }
    const [found] = await this.#findAll(names, { line, column })
    return found
  }

  /** Undefined after reporting that the cell names no pictures. */
  #namesIn(values: RowValues, place: Place): readonly PictureName[] | undefined {
    const value = values.get(place.column)
    if (value === undefined) return []
    const names = picturesOf(value)
    if (names !== undefined && !areGlued(value)) return names
    const message =
      names === undefined
        ? `${quoted(value)}: must be a path, a URL or a file id, or a list of them`
        : `${quoted(value)}: separate pictures with "|", or with a comma and a space`
    this.#findings.problem({ ...place, message })
    return undefined
  }

  /** In the order of the names; undefined in the place of one that was reported. */
  async #findAll(names: readonly PictureName[], place: Place): Promise<(Found | undefined)[]> {
    const found: (Found | undefined)[] = []
    for (const name of names) {
      const result = await this.#pictures.find(name)
      if (result.kind === 'problem') this.#report(name, result, place)
      found.push(result.kind === 'picture' ? result : undefined)
    }
    return found
  }

  #report(name: PictureName, { message, suggestion }: Problem, place: Place): void {
    const problem = { ...place, message: `${quoted(name)}: ${message}` }
    this.#findings.problem(suggestion === undefined ? problem : { ...problem, suggestion })
  }

  #checkMask(mask: LocalPicture | undefined, first: LocalPicture | undefined, line: number): void {
    if (mask === undefined) return
    const report = (message: string) => this.#findings.problem({ line, column: 'mask', message })
    if (mask.mediaType !== 'image/png' || !mask.hasAlpha) {
      report('must be a PNG with an alpha channel: transparent marks what to change')
    }
    const misfit = first === undefined ? undefined : misfitOf(mask, first)
    if (misfit !== undefined) report(misfit)
    if (mask.byteCount >= MASK_BYTES_SAFE) this.#findings.warn(MASK_WARNING, line)
  }

  async #checkMarkup(
    markup: Found | undefined,
    first: LocalPicture | undefined,
    line: number,
  ): Promise<void> {
    if (markup === undefined) return
    const report = (message: string) => this.#findings.problem({ line, column: 'markup', message })
    if (isReference(markup)) report('must be a picture that renderq can upload, not a reference')
    const { local } = markup
    if (local === undefined) return
    if (local.mediaType !== 'image/png' || !(await this.#pictures.isSeeThrough(local))) {
      report('must be a PNG with transparent pixels: it is laid over the first image')
    }
    const misfit = first === undefined ? undefined : misfitOf(local, first.shownSize)
    if (misfit !== undefined) report(misfit)
  }
}

function isReference({ input }: Found): boolean {
  return input.kind === 'file' || input.kind === 'image-url'
}

function isTooLargeForJson({ local }: Found): boolean {
  return local !== undefined && dataUrlCharsOf(local) > DATA_URL_CHARS_MAX
}

function columnsWith(
  holds: (picture: Found) => boolean,
  images: readonly (Found | undefined)[],
  mask: Found | undefined,
): ('image' | 'mask')[] {
  const columns: ('image' | 'mask')[] = []
  if (images.some((image) => image !== undefined && holds(image))) columns.push('image')
  if (mask !== undefined && holds(mask)) columns.push('mask')
  return columns
}

function misfitOf(overlay: PictureSize, first: PictureSize): string | undefined {
  if (sizeOf(overlay) === sizeOf(first)) return undefined
  return `is ${sizeOf(overlay)}: it must have the size of the first image, ${sizeOf(first)}`
}

const sizeOf = ({ width, height }: PictureSize): string => `${width}x${height}`
