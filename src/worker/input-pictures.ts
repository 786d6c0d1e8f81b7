/** Where a job's input pictures come from: the store, a URL, or another bucket. Checked before anything is sent. */
import { createHash } from 'node:crypto'
import { storageSettings } from '../config.ts'
import { InputUnusableError, messageOf } from '../errors.ts'
import type { UploadPicture } from '../images-api/contract.ts'
import type { InputPicture, RenderJob } from '../job.ts'
import { inspectPicture, type PictureFacts } from '../picture.ts'
import type { InputEntry } from '../record.ts'
import { openStore } from '../storage/open-store.ts'
import type { Store } from '../storage/store.ts'
import type { Downloader } from './download.ts'

/** The API refuses larger ones. */
const INPUT_BYTES_MAX = 50 * 1024 * 1024

export interface InputSources {
  store: Store
  downloader: Downloader
}

export interface LoadedInput {
  upload: UploadPicture
  entry: InputEntry
}

export interface LoadedInputs {
  images: LoadedInput[]
  mask: LoadedInput | undefined
}

/** Throws InputUnusableError (the row has failed) or InputUnavailableError (worth another try). */
export async function loadInputs(
  job: RenderJob,
  sources: InputSources,
  signal: AbortSignal,
): Promise<LoadedInputs> {
  const load = async (input: InputPicture, name: string) => {
    const bytes = await fetchInput(input, sources, signal)
    return toLoaded(bytes, { input, name })
  }
  const images = await Promise.all(
    job.images.map((input, index) => load(input, `image-${index + 1}`)),
  )
  const mask = job.mask === undefined ? undefined : await load(job.mask, 'mask')
  if (mask !== undefined) checkMask(mask.facts, images[0]?.facts)
  return { images, mask }
}

async function fetchInput(
  input: InputPicture,
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
    case 's3': {
      const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(input.url) ?? []
      await using bucketStore = await openStore(storageSettings(`s3://${bucket}`, '/'))
      return required(await bucketStore.get(key, { bytesMax: INPUT_BYTES_MAX, signal }), input.url)
    }
  }
}

function required(bytes: Buffer | undefined, where: string): Buffer {
  if (bytes === undefined) throw new InputUnusableError(`the input picture ${where} is not there`)
  return bytes
}

async function toLoaded(
  bytes: Buffer,
  { input, name }: { input: InputPicture; name: string },
): Promise<LoadedInput & { facts: PictureFacts }> {
  const source = input.kind === 'stored' ? input.key : input.url
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
  return {
    facts,
    upload: {
      bytes: new Uint8Array(bytes),
      mediaType: facts.mediaType,
      filename: `${name}.${facts.extension}`,
    },
    entry: { source, sha256, byteCount: bytes.length, mediaType: facts.mediaType },
  }
}

/** Local masks were checked when the run was planned; this is for the ones behind a URL. */
function checkMask(mask: PictureFacts, image: PictureFacts | undefined): void {
  if (mask.mediaType !== 'image/png' || !mask.hasAlpha) {
    throw new InputUnusableError('the mask must be a PNG with an alpha channel')
  }
  if (mask.width !== image?.width || mask.height !== image.height) {
    const size = `${mask.width}x${mask.height}`
    throw new InputUnusableError(
      `the mask is ${size}, the first image ${image?.width}x${image?.height}: they must be the same size`,
    )
  }
}
