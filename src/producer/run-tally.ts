/** Adds up the rows of a plan: how many, how many pictures, about what they cost, and one digest of them all. */
import { createHash } from 'node:crypto'
import { estimateUsdOf } from '../images-api/prices.ts'
import type { InputPicture, Operation, RenderJob } from '../job.ts'
import type { PictureSize } from '../picture/orientation.ts'

export interface RunTotals {
  rowCount: number
  pictureCount: number
  byOperation: Record<Operation, number>
  /** Sum over the rows that have a price, as if none were reused; null when none has. */
  costPlannedUsd: number | null
  unpricedRowCount: number
  /** sha256 over every job's fingerprint, key and policies, in order: equal digests are the same work. */
  digest: string
}

/** Undefined for a picture that nobody has seen yet. */
type SizeOf = (input: InputPicture) => PictureSize | undefined

export class RunTally {
  readonly #sizeOf: SizeOf
  readonly #digest = createHash('sha256')
  readonly #byOperation: Record<Operation, number> = { generate: 0, edit: 0, variation: 0 }
  #rowCount = 0
  #pictureCount = 0
  #keptPartialsCount = 0
  #checkedInputsCount = 0
  #costUsd = 0
  #unpricedRowCount = 0

  constructor(sizeOf: SizeOf = () => undefined) {
    this.#sizeOf = sizeOf
  }

  add(job: RenderJob): void {
    const { fingerprint, key, existing, keepPartials, force, checkInputs } = job
    const { operation, request, images } = job
    const partials = keepPartials === true ? `\tpartials ${request.partial_images}` : ''
    const forced = force === true ? '\tforce' : ''
    const checked = checkInputs === true ? '\tcheck inputs' : ''
    this.#digest.update(`${fingerprint}\t${key}\t${existing}${partials}${forced}${checked}\n`)
    if (keepPartials === true) this.#keptPartialsCount += 1
    if (checkInputs === true) this.#checkedInputsCount += 1
    this.#byOperation[operation] += 1
    this.#rowCount += 1
    this.#pictureCount += request.n
    const costUsd = estimateUsdOf(request, images.map(this.#sizeOf))
    if (costUsd === null) this.#unpricedRowCount += 1
    else this.#costUsd += costUsd
  }

  /** Rows whose partial pictures will be stored. */
  get keptPartialsCount(): number {
    return this.#keptPartialsCount
  }

  /** Rows whose input pictures will be compared. */
  get checkedInputsCount(): number {
    return this.#checkedInputsCount
  }

  /** Once, after the last job. */
  totals(): RunTotals {
    const hasPrice = this.#unpricedRowCount < this.#rowCount
    return {
      rowCount: this.#rowCount,
      pictureCount: this.#pictureCount,
      byOperation: this.#byOperation,
      costPlannedUsd: hasPrice ? roundToMicroUsd(this.#costUsd) : null,
      unpricedRowCount: this.#unpricedRowCount,
      digest: this.#digest.digest('hex'),
    }
  }
}

const roundToMicroUsd = (usd: number): number => Math.round(usd * 1_000_000) / 1_000_000
