/**
 * Input pictures and masks that a manifest names. Local files are read here, once each, because no other
 * machine could: regular files under the allowed roots, wherever links and dots lead. Of URLs only the
 * shape is checked; what is there is the worker's business.
 */
import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { ConfigError, messageOf } from '../errors.ts'
import { INPUT_MEDIA_TYPES } from '../images-api/models.ts'
import type { InputPicture } from '../job.ts'
import { inspectPicture, PictureBrokenError, type PictureFacts } from '../picture.ts'
import { inputKey } from '../storage/keys.ts'
import { locateInside, readRegularFile } from './read-inside.ts'

/** The API's own limit for each upload is "less than 50 MB". */
const PICTURE_BYTES_MAX = 50 * 1024 * 1024 - 1
/** So many are remembered; a larger catalog keeps its pictures in a bucket and names them there. */
const LOCAL_PICTURES_MAX = 100_000
const REFERENCES_REMEMBERED_MAX = 10_000
const URL_CHARS_MAX = 8_192
/** One letter before the colon is a drive of Windows; a colon alone may be part of a file name. */
const HAS_SCHEME = /^[a-z][a-z0-9+.-]+:\/\/|^(data|file):/i

/** A local picture as it was when it was read; `file` may have other bytes by the time it is uploaded. */
export interface LocalPicture extends PictureFacts {
  key: string
  file: string
  sha256: string
}

export type PictureResult =
  | { kind: 'picture'; input: InputPicture; local?: LocalPicture }
  | { kind: 'problem'; message: string; suggestion?: string }

export class InputPictures {
  readonly #baseDir: string
  readonly #rootDirs: readonly string[]
  readonly #byReference = new Map<string, PictureResult>()
  readonly #byPath = new Map<string, PictureResult>()
  readonly #byKey = new Map<string, LocalPicture>()
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

  /** Remembers the answer: catalogs name the same picture in many rows. */
  async find(reference: string): Promise<PictureResult> {
    const known = this.#byReference.get(reference)
    if (known !== undefined) return known
    const found = await this.#find(reference)
    if (this.#byReference.size >= REFERENCES_REMEMBERED_MAX) this.#byReference.clear()
    this.#byReference.set(reference, found)
    return found
  }

  async #find(reference: string): Promise<PictureResult> {
    if (HAS_SCHEME.test(reference)) return remotePicture(reference)
    this.#realRoots ??= Promise.all(this.#rootDirs.map(realRoot))
    const located = await locateInside(reference, this.#baseDir, await this.#realRoots)
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
      return this.#keep({ ...facts, key: inputKey(sha256, facts.extension), file, sha256 })
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

function remotePicture(reference: string): PictureResult {
  if (reference.length > URL_CHARS_MAX) {
    return problem(`is a URL of more than ${URL_CHARS_MAX} characters`)
  }
  if (/^s3:/i.test(reference)) {
    if (!/^s3:\/\/[^/]+\/.+$/.test(reference)) return problem('must be s3://bucket/key')
    return { kind: 'picture', input: { kind: 's3', url: reference } }
  }
  if (!/^https?:/i.test(reference)) {
    return problem('must be a file beside the manifest, or an https:// or s3:// URL')
  }
  if (!URL.canParse(reference)) return problem('is not a valid URL')
  const { username, password } = new URL(reference)
  if (username !== '' || password !== '') {
    return problem('holds a user name or password, which would be kept in jobs and records')
  }
  return { kind: 'picture', input: { kind: 'url', url: reference } }
}

const problem = (message: string): PictureResult => ({ kind: 'problem', message })
