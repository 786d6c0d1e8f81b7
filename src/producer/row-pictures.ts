import type { InputPicture } from '../job.ts'
import { areGlued, picturesOf, quoted } from './cell-values.ts'
import type { Findings } from './findings.ts'
import type { InputPictures, LocalPicture, PictureResult } from './input-pictures.ts'
import type { RowValues } from './row-request.ts'

/** The API's documents name 4 MB in one place and 50 MB in another. */
const MASK_BYTES_SAFE = 4 * 1024 * 1024
const MASK_WARNING = 'a mask of 4 MB or more may be refused by the API'

type Found = Extract<PictureResult, { kind: 'picture' }>
type Problem = Extract<PictureResult, { kind: 'problem' }>

interface Place {
  line: number
  column: 'image' | 'mask'
}

export interface RowPictures {
  /** In the row's order; fewer than it names when there were problems. */
  images: InputPicture[]
  /** How many images the row names; a cell that can't be read counts as one. */
  imageCount: number
  mask?: InputPicture
}

/** Finds what a row's `image` and `mask` name; whatever is wrong with them goes to the findings. */
export class RowPictureFinder {
  readonly #pictures: InputPictures
  readonly #findings: Findings

  constructor(pictures: InputPictures, findings: Findings) {
    this.#pictures = pictures
    this.#findings = findings
  }

  async find(line: number, values: RowValues): Promise<RowPictures> {
    const imageReferences = this.#referencesIn(values, { line, column: 'image' })
    const maskReferences = this.#referencesIn(values, { line, column: 'mask' })
    if (maskReferences !== undefined && maskReferences.length > 1) {
      this.#findings.problem({ line, column: 'mask', message: 'names more than one picture' })
    }
    const images = await this.#findAll(imageReferences, { line, column: 'image' })
    const [mask] = await this.#findAll(maskReferences, { line, column: 'mask' })
    if (mask?.local !== undefined) this.#checkMask(mask.local, images[0]?.local, line)
    return {
      images: images.flatMap((image) => image?.input ?? []),
      imageCount: imageReferences?.length ?? 1,
      ...(mask !== undefined && { mask: mask.input }),
    }
  }

  /** Undefined after reporting that the cell names no pictures. */
  #referencesIn(values: RowValues, place: Place): readonly string[] | undefined {
    const value = values.get(place.column)
    if (value === undefined) return []
    const references = picturesOf(value)
    if (references !== undefined && !areGlued(value)) return references
    const message =
      references === undefined
        ? `${quoted(value)}: must be a path or URL, or a list of them`
        : `${quoted(value)}: separate pictures with "|", or with a comma and a space`
    this.#findings.problem({ ...place, message })
    return undefined
  }

  /** In the order of the references; undefined in the place of one that was reported. */
  async #findAll(
    references: readonly string[] | undefined,
    place: Place,
  ): Promise<(Found | undefined)[]> {
    const found: (Found | undefined)[] = []
    for (const reference of references ?? []) {
      const result = await this.#pictures.find(reference)
      if (result.kind === 'problem') this.#report(reference, result, place)
      found.push(result.kind === 'picture' ? result : undefined)
    }
    return found
  }

  #report(reference: string, { message, suggestion }: Problem, place: Place): void {
    const problem = { ...place, message: `${quoted(reference)}: ${message}` }
    this.#findings.problem(suggestion === undefined ? problem : { ...problem, suggestion })
  }

  #checkMask(mask: LocalPicture, first: LocalPicture | undefined, line: number): void {
    const report = (message: string) => this.#findings.problem({ line, column: 'mask', message })
    if (mask.mediaType !== 'image/png' || !mask.hasAlpha) {
      report('must be a PNG with an alpha channel: transparent marks what to change')
    }
    if (first !== undefined && sizeOf(mask) !== sizeOf(first)) {
      report(`is ${sizeOf(mask)}: it must have the size of the first image, ${sizeOf(first)}`)
    }
    if (mask.byteCount >= MASK_BYTES_SAFE) this.#findings.warn(MASK_WARNING, line)
  }
}

const sizeOf = ({ width, height }: LocalPicture): string => `${width}x${height}`
