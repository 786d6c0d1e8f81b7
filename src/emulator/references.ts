/**
 * Opens what a JSON edit only names: uploaded files, data URLs and web addresses. The emulator fetches
 * addresses itself, as the API does, but only when it was told to: otherwise it never leaves the machine.
 */
import { messageOf } from '../errors.ts'
import { type ApiError, badRequest } from './api-error.ts'
import type { Reference, Upload } from './call-form.ts'
import type { UploadedFiles } from './uploaded-files.ts'

export type OpenReference = (reference: Reference) => Promise<Upload>

const IMAGE_URL_CHARS_MAX = 20_971_520
const FETCHED_BYTES_MAX = 50_000_000
const FETCH_DEADLINE_MS = 10_000

export function referenceOpener(sources: {
  files: UploadedFiles
  fetchesUrls: boolean
}): OpenReference {
  return async (reference) => {
    if ('fileId' in reference) return fromFile(reference.param, reference.fileId, sources.files)
    const { param, imageUrl } = reference
    if (imageUrl.length > IMAGE_URL_CHARS_MAX) throw tooLong(param)
    if (!/^https?:\/\//i.test(imageUrl)) return fromDataUrl(param, imageUrl)
    if (sources.fetchesUrls) return fetchPicture(param, imageUrl)
    throw notFetched(param, 'this emulator was not told to fetch URLs (see --fetch-urls)')
  }
}

function tooLong(param: string): ApiError {
  const message = `Invalid '${param}.image_url': string too long. Expected a string with maximum length ${IMAGE_URL_CHARS_MAX}.`
  return badRequest(param, 'string_above_max_length', message)
}

function fromFile(param: string, fileId: string, files: UploadedFiles): Upload {
  const file = files.find(fileId)
  if (file !== undefined) return { param, bytes: file.bytes, mediaType: file.mediaType }
  const message = `Invalid '${param}': the file '${fileId}' was not found.`
  throw badRequest(param, 'image_file_not_found', message)
}

function fromDataUrl(param: string, url: string): Upload {
  const comma = url.indexOf(',')
  const header = /^data:([^;,]+);base64$/i.exec(url.slice(0, Math.max(0, comma)))
  if (header?.[1] === undefined) {
    throw badRequest(param, 'invalid_image_url', `Invalid '${param}': not a base64 data URL.`)
  }
  const text = url.slice(comma + 1)
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw badRequest(param, 'invalid_base64_image', `Invalid '${param}': not valid base64.`)
  }
  return { param, bytes: Buffer.from(text, 'base64'), mediaType: header[1].toLowerCase() }
}

/** Follows no redirect: only the address that was written down is asked. */
async function fetchPicture(param: string, url: string): Promise<Upload> {
  const signal = AbortSignal.timeout(FETCH_DEADLINE_MS)
  try {
    const response = await fetch(url, { redirect: 'error', signal })
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    const chunks: Uint8Array[] = []
    let byteCount = 0
    for await (const chunk of response.body ?? []) {
      byteCount += chunk.length
      if (byteCount > FETCHED_BYTES_MAX) throw new Error(`more than ${FETCHED_BYTES_MAX} bytes`)
      chunks.push(chunk)
    }
    const mediaType = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    return { param, bytes: Buffer.concat(chunks), mediaType: mediaType ?? '' }
  } catch (error) {
    throw notFetched(param, messageOf(error))
  }
}

function notFetched(param: string, why: string): ApiError {
  const message = `Failed to download the image of '${param}': ${why}.`
  return badRequest(param, 'failed_to_download_image', message)
}
