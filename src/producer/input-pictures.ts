/**
 * Input pictures, masks and markups that a manifest names. Local files are read here, once each, because no
 * other machine could: regular files under the allowed roots, wherever links and dots lead. Of everything
 * else only the shape is checked (`picture-links.ts`); what is there is the worker's business, or the API's.
 */
import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { ConfigError, messageOf } from '../errors.ts'
import { INPUT_MEDIA_TYPES } from '../images-api/models.ts'
import type { InputPicture } from '../job.ts'
import { inspectPicture, PictureBrokenError, type PictureFacts } from '../picture.ts'
import { shownSizeOf, type PictureSize } from '../picture/orientation.ts'
import { hasTransparentPixels } from '../picture/transparency.ts'
import { inputKey } from '../storage/keys.ts'
import type { PictureName } from './cell-values.ts'
import { linkedPicture } from './picture-links.ts'
import { locateInside, readRegularFile } from './read-inside.ts'

/** The API's own limit for each upload is "less than 50 MB". */
const PICTURE_BYTES_MAX = 50 * 1024 * 1024 - 1
/** So many are remembered; a larger catalog keeps its pictures in a bucket and names them there. */
const LOCAL_PICTURES_MAX = 100_000
const NAMES_REMEMBERED_MAX = 10_000

/** A local picture as it was when it was read; `file` may have other bytes by the time it is uploaded. */
export interface LocalPicture extends PictureFacts {
  key: string
  file: string
  sha256: string
  /** Width and height as a viewer shows it. */
  shownSize: PictureSize
}

export type PictureResult =
  | { kind: 'picture'; input: InputPicture; local?: LocalPicture }
  | { kind: 'problem'; message: string; suggestion?: string }

export class InputPictures {
  readonly #baseDir: string
  readonly #rootDirs: readonly string[]
  readonly #byName = new Map<string, PictureResult>()
  readonly #byPath = new Map<string, PictureResult>()
  readonly #byKey = new Map<string, LocalPicture>()
  readonly #isSeeThrough = new Map<string, boolean>()
  #realRoots: Promise<readonly string[]> | undefined

  /** Relative paths start at `baseDir`; only what really lies under one of `rootDirs` is read. */
  constructor(baseDir: string, rootDirs: readonly string[]) {
    this.#baseDir = baseDir
    this.#rootDirs = rootDirs
  }

  /** Every local picture that was found good, once per content. */
  get locals(): readonly LocalPicture[] {
    return [...this.#byKey.values()]
  }

  /** As a viewer shows it; known of local pictures only. */
  sizeOf(input: InputPicture): PictureSize | undefined {
    return input.kind === 'stored' ? this.#byKey.get(input.key)?.shownSize : undefined
  }

  /** Remembers the answer: catalogs name the same picture in many rows. */
  async find(name: PictureName): Promise<PictureResult> {
    const linked = linkedPicture(name)
    if (linked.kind !== 'path') return linked
    const { path } = linked
    const known = this.#byName.get(path)
    if (known !== undefined) return known
    const found = await this.#find(path)
    if (this.#byName.size >= NAMES_REMEMBERED_MAX) this.#byName.clear()
    this.#byName.set(path, found)
    return found
  }

  /** Whether a picture that was found has transparent pixels; it is read again, and decoded, once per content. */
  async isSeeThrough({ key, file, hasAlpha }: LocalPicture): Promise<boolean> {
    const known = hasAlpha ? this.#isSeeThrough.get(key) : false
    if (known !== undefined) return known
    const read = await readRegularFile(file, PICTURE_BYTES_MAX)
    // What is no longer there, or broken, is found when it is uploaded.
    const answer =
      read.kind === 'problem' || (await hasTransparentPixels(read.bytes).catch(() => false))
    this.#isSeeThrough.set(key, answer)
    return answer
  }

  async #find(written: string): Promise<PictureResult> {
    this.#realRoots ??= Promise.all(this.#rootDirs.map(realRoot))
    const located = await locateInside(written, this.#baseDir, await this.#realRoots)
    if (located.kind === 'problem') return located
    const { path } = located
    const known = this.#byPath.get(path)
    if (known !== undefined) return known
    if (this.#byPath.size >= LOCAL_PICTURES_MAX) {
      return problem(
        `is local picture number ${LOCAL_PICTURES_MAX + 1}: name s3:// objects instead`,
      )
    }
    const found = await this.#read(path)
    this.#byPath.set(path, found)
    return found
  }

  async #read(file: string): Promise<PictureResult> {
    const read = await readRegularFile(file, PICTURE_BYTES_MAX)
    if (read.kind === 'problem') return read
    try {
      const facts = await inspectPicture(read.bytes)
      if (!INPUT_MEDIA_TYPES.has(facts.mediaType)) {
        return problem(`is ${facts.mediaType}: the API takes PNG, WebP and JPEG`)
      }
      const sha256 = createHash('sha256').update(read.bytes).digest('hex')
      const key = inputKey(sha256, facts.extension)
      return this.#keep({ ...facts, key, file, sha256, shownSize: shownSizeOf(read.bytes, facts) })
    } catch (error) {
      if (error instanceof PictureBrokenError) return problem(`can't be used: ${error.message}`)
      throw error
    }
  }

  #keep(picture: LocalPicture): PictureResult {
    const { key, sha256, mediaType, byteCount } = picture
    if (!this.#byKey.has(key)) this.#byKey.set(key, picture)
    return {
      kind: 'picture',
      input: { kind: 'stored', key, sha256, mediaType, byteCount },
      local: picture,
    }
  }
}

async function realRoot(dir: string): Promise<string> {
  try {
    return await realpath(dir)
  } catch (cause) {
    throw new ConfigError(`pictures can't be read from ${dir}: ${messageOf(cause)}`, { cause })
  }
}

const problem = (message: string): PictureResult => ({ kind: 'problem', message })
