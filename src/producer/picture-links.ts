/** Pictures that a manifest names by something else than a path. Only the shape is checked, nothing is fetched. */
import { FILE_ID, type InputPicture } from '../job.ts'
import { parseUrl } from '../parse-url.ts'
import type { PictureName } from './cell-values.ts'

const URL_CHARS_MAX = 8_192
/** One letter before the colon is a drive of Windows; a colon alone may be part of a file name. */
const HAS_SCHEME = /^[a-z][a-z0-9+.-]+:\/\/|^(data|file):/i

export type LinkedPicture =
  | { kind: 'picture'; input: InputPicture }
  | { kind: 'problem'; message: string }
  | { kind: 'path'; path: string }

export function linkedPicture(name: PictureName): LinkedPicture {
  if (typeof name !== 'string') {
    if ('kind' in name) return { kind: 'picture', input: name }
    return 'file_id' in name ? uploadedFile(name.file_id) : fetchedByApi(name.image_url)
  }
  if (FILE_ID.test(name)) return uploadedFile(name)
  if (!HAS_SCHEME.test(name)) return { kind: 'path', path: name }
  return /^s3:/i.test(name) ? bucketObject(name) : fetchedByWorker(name)
}

function uploadedFile(fileId: string): LinkedPicture {
  if (!FILE_ID.test(fileId)) return problem('must be the id of an uploaded file: file-…')
  return { kind: 'picture', input: { kind: 'file', fileId } }
}

function fetchedByApi(url: string): LinkedPicture {
  if (/^data:/i.test(url)) {
    return problem('is a data URL: name a file instead, renderq puts it into the request')
  }
  if (!/^https:/i.test(url)) {
    return problem('must be https:// for the API to fetch it; without image_url renderq does')
  }
  return urlProblem(url) ?? { kind: 'picture', input: { kind: 'image-url', url } }
}

function bucketObject(url: string): LinkedPicture {
  if (url.length > URL_CHARS_MAX) return problem(TOO_LONG)
  if (!/^s3:\/\/[^/]+\/.+$/.test(url)) return problem('must be s3://bucket/key')
  return { kind: 'picture', input: { kind: 's3', url } }
}

function fetchedByWorker(url: string): LinkedPicture {
  if (/^https?:/i.test(url)) {
    return urlProblem(url) ?? { kind: 'picture', input: { kind: 'url', url } }
  }
  return problem('must be a file beside the manifest, an https:// or s3:// URL, or a file id')
}

function urlProblem(url: string): LinkedPicture | undefined {
  if (url.length > URL_CHARS_MAX) return problem(TOO_LONG)
  const parsed = parseUrl(url)
  if (parsed === undefined) return problem('is not a valid URL')
  const { username, password } = parsed
  if (username === '' && password === '') return undefined
  return problem('holds a user name or password, which would be kept in jobs and records')
}

const TOO_LONG = `is a URL of more than ${URL_CHARS_MAX} characters`

const problem = (message: string): LinkedPicture => ({ kind: 'problem', message })
