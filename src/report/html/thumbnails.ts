/**
 * Small pictures for the contact sheet, from the first picture of each row. They are an extra: within a count and a
 * time budget, and no failure of one ever fails the report.
 */
import type { Store } from '../../storage/store.ts'
import type { NoThumbnail } from './report-data.ts'

export type Thumbnail = { kind: 'made'; dataUri: string } | { kind: 'none'; reason: NoThumbnail }

export interface ThumbnailLimits {
  countMax: number
  timeBudgetMs: number
  signal?: AbortSignal | undefined
}

const SIDE = 160
/** At this quality a photograph of 160 pixels takes 2 to 4 kB. */
const WEBP_QUALITY = 62
/** Pictures of the API are at most some 30 MB; what is larger is not worth the memory. */
const SOURCE_BYTES_MAX = 64 * 1024 * 1024
/** The largest picture of the API has 8.3 million pixels; this leaves room, and stops a bomb. */
const SOURCE_PIXELS_MAX = 64_000_000
const ONE_TIMEOUT_MS = 10_000

export class Thumbnails {
  readonly #store: Store
  readonly #limits: ThumbnailLimits
  readonly #deadline: number
  #begun = 0
  made = 0

  constructor(store: Store, limits: ThumbnailLimits) {
    this.#store = store
    this.#limits = limits
    this.#deadline = performance.now() + limits.timeBudgetMs
  }

  /** Never rejects. */
  async of(key: string): Promise<Thumbnail> {
    const leftMs = this.#deadline - performance.now()
    if (this.#begun >= this.#limits.countMax) return none('beyond-count')
    if (leftMs <= 0) return none('beyond-time')
    this.#begun += 1
    try {
      return await this.#make(key, Math.min(leftMs, ONE_TIMEOUT_MS))
    } catch {
      return none('unreadable')
    }
  }

  async #make(key: string, timeoutMs: number): Promise<Thumbnail> {
    const { signal: cancelled } = this.#limits
    const timeout = AbortSignal.timeout(Math.ceil(timeoutMs))
    const signal = cancelled === undefined ? timeout : AbortSignal.any([cancelled, timeout])
    const bytes = await this.#store.get(key, { bytesMax: SOURCE_BYTES_MAX, signal })
    if (bytes === undefined) return none('missing')
    const small = await shrink(bytes, timeoutMs)
    this.made += 1
    return { kind: 'made', dataUri: `data:image/webp;base64,${small.toString('base64')}` }
  }
}

const none = (reason: NoThumbnail): Thumbnail => ({ kind: 'none', reason })

/** Every format ends as pixels, an SVG too: none of its markup reaches the page. */
async function shrink(bytes: Buffer, timeoutMs: number): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  return await sharp(bytes, { limitInputPixels: SOURCE_PIXELS_MAX, failOn: 'error' })
    .timeout({ seconds: Math.ceil(timeoutMs / 1_000) })
    .autoOrient()
    .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: WEBP_QUALITY, effort: 2 })
    .toBuffer()
}
