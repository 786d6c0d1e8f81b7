/** Where a job's input pictures come from: the store, a URL, or another bucket. Checked before anything is sent. */
import { createHash } from 'node:crypto'
import { storageSettings } from '../config.ts'
import {
  InputUnavailableError,
  InputUnusableError,
  messageOf,
  StorageUnavailableError,
} from '../errors.ts'
import type { CallPicture, PictureReference } from '../images-api/contract.ts'
import { INPUT_MEDIA_TYPES } from '../images-api/models.ts'
import { isFetched, sourceOf, type InputPicture, type RenderJob } from '../job.ts'
import { inspectPicture, type PictureFacts } from '../picture.ts'
import { shownSizeOf, type PictureSize } from '../picture/orientation.ts'
import type { InputEntry } from '../record.ts'
import { openStore } from '../storage/open-store.ts'
import type { Store } from '../storage/store.ts'
import type { Downloader } from './download.ts'
import type { InputCache } from './input-cache.ts'
import type { UsedInputs } from './records.ts'

/** The API's own limit for each is "less than 50 MB". */
const INPUT_BYTES_MAX = 50 * 1024 * 1024 - 1

export interface InputSources {
  store: Store
  downloader: Downloader
  /** What several rows share is then fetched once. */
  inputCache?: InputCache
}

export interface LoadedInput {
  picture: CallPicture
  entry: InputEntry
}

export interface LoadedInputs {
  images: LoadedInput[]
  mask: LoadedInput | undefined
  markup: LoadedInput | undefined
}

/**
 * Throws InputUnusableError (the row has failed) or InputUnavailableError (worth another try). One after the other:
 * a call needs all of them in memory, and nothing beside them.
 */
export async function loadInputs(
  job: RenderJob,
  sources: InputSources,
  signal: AbortSignal,
): Promise<LoadedInputs> {
  const load = async (input: InputPicture, name: string): Promise<Loaded> => {
    const reference = referenceIn(input)
    if (reference !== undefined) return reference
    const own = input as OwnInput
    const fetch = () => fetchInput(own, sources, signal)
    const bytes = await (sources.inputCache?.get(cacheKeyOf(own, job), signal, fetch) ?? fetch())
    return toLoaded(bytes, { input: own, name })
  }
  const images: Loaded[] = []
  for (const [index, input] of job.images.entries()) {
    images.push(await load(input, `image-${index + 1}`))
  }
  const mask = job.mask === undefined ? undefined : await load(job.mask, 'mask')
  const markup = job.markup === undefined ? undefined : await load(job.markup, 'markup')
  checkOverlay('mask', mask?.facts, images[0]?.facts)
  checkOverlay('markup', markup?.facts, images[0]?.shownSize)
  return { images, mask, markup }
}

/** As the record names them. */
export function usedInputs({ images, mask, markup }: LoadedInputs): UsedInputs {
  return {
    inputs: images.map(({ entry }) => entry),
    mask: mask?.entry ?? null,
    markup: markup?.entry ?? null,
  }
}

/** A run that checks is not told of the bytes that another run was given, maybe before they changed. */
function cacheKeyOf(input: OwnInput, { run, checkInputs }: RenderJob): string {
  const source = sourceOf(input)
  return checkInputs === true && isFetched(input) ? `${run} ${source}` : source
}

type Reference = Extract<InputPicture, { kind: 'file' | 'image-url' }>
/** What we fetch ourselves, and so can check. */
type OwnInput = Exclude<InputPicture, Reference>

/** Goes to the API as it stands; undefined for what is fetched here. */
function referenceIn(input: InputPicture): Loaded | undefined {
  if (input.kind !== 'file' && input.kind !== 'image-url') return undefined
  const picture: PictureReference =
    input.kind === 'file' ? { file_id: input.fileId } : { image_url: input.url }
  const source = sourceOf(input)
  return { picture, entry: { source, sha256: null, byteCount: null, mediaType: null } }
}

async function fetchInput(
  input: OwnInput,
  { store, downloader }: InputSources,
  signal: AbortSignal,
): Promise<Buffer> {
  switch (input.kind) {
    case 'stored':
      return required(await store.get(input.key, { bytesMax: INPUT_BYTES_MAX, signal }), input.key)
    case 'url': {
      const chunks: Uint8Array[] = []
      await downloader.download(input.url, {
        bytesMax: INPUT_BYTES_MAX,
        signal,
        purpose: 'input',
        sink: async (chunk) => void chunks.push(chunk),
      })
      return Buffer.concat(chunks)
    }
    case 's3':
      return required(await fetchFromBucket(input.url, signal), input.url)
  }
}

/** Trouble with a bucket that only gives inputs concerns this row, not the store everybody writes to. */
async function fetchFromBucket(url: string, signal: AbortSignal): Promise<Buffer | undefined> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url) ?? []
  try {
    await using store = await openStore(storageSettings(`s3://${bucket}`, '/'))
    return await store.get(key, { bytesMax: INPUT_BYTES_MAX, signal })
  } catch (cause) {
    const message = `the input picture ${url} can't be fetched: ${messageOf(cause)}`
    if (cause instanceof StorageUnavailableError)
      throw new InputUnavailableError(message, { cause })
    throw new InputUnusableError(message, { cause })
  }
}

function required(bytes: Buffer | undefined, where: string): Buffer {
  if (bytes === undefined) throw new InputUnusableError(`the input picture ${where} is not there`)
  return bytes
}

interface Loaded extends LoadedInput {
  /** Absent for a reference. */
  facts?: PictureFacts
  /** What a markup has to match: EXIF may turn the picture. */
  shownSize?: PictureSize
}

async function toLoaded(
  bytes: Buffer,
  { input, name }: { input: OwnInput; name: string },
): Promise<Loaded> {
  const source = sourceOf(input)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (input.kind === 'stored' && sha256 !== input.sha256) {
    throw new InputUnusableError(
      `the input picture ${source} was changed after the run was planned`,
    )
  }
  const facts = await inspectPicture(bytes).catch((cause: unknown) => {
    throw new InputUnusableError(`the input picture ${source} can't be used: ${messageOf(cause)}`, {
      cause,
    })
  })
  if (!INPUT_MEDIA_TYPES.has(facts.mediaType)) {
    throw new InputUnusableError(
      `the input picture ${source} is ${facts.mediaType}: the API takes PNG, WebP and JPEG`,
    )
  }
  return {
    facts,
    shownSize: shownSizeOf(bytes, facts),
    picture: {
      // The same memory: no store hands out shared buffers, though the type allows them.
      bytes: bytes as Buffer<ArrayBuffer>,
      mediaType: facts.mediaType,
      filename: `${name}.${facts.extension}`,
    },
    entry: { source, sha256, byteCount: bytes.length, mediaType: facts.mediaType },
  }
}

/** Local ones were checked when the run was planned; this is for the ones behind a URL. */
function checkOverlay(
  name: 'mask' | 'markup',
  overlay: PictureFacts | undefined,
  image: PictureSize | undefined,
): void {
  if (overlay === undefined) return
  if (overlay.mediaType !== 'image/png' || !overlay.hasAlpha) {
    throw new InputUnusableError(`the ${name} must be a PNG with an alpha channel`)
  }
  // Of a referenced image the size is not known here.
  if (image === undefined) return
  if (overlay.width !== image.width || overlay.height !== image.height) {
    const size = `${overlay.width}x${overlay.height}`
    throw new InputUnusableError(
      `the ${name} is ${size}, the first image ${image.width}x${image.height}: they must be the same size`,
    )
  }
}
