/**
 * Takes the body of one image request apart: parameters here, pictures there, whichever of the two
 * encodings carried them. Judges only what can't be read at all; values are rules.ts's matter.
 */
import { ApiError, badRequest, unknownParameter } from './api-error.ts'
import type { Operation } from './models.ts'

/** A picture as it was sent. `param` is what an error calls it: `image`, `image[1]`, `mask`. */
export interface Upload {
  param: string
  bytes: Buffer
  mediaType: string
}

export interface CallForm {
  encoding: 'json' | 'multipart'
  values: Map<string, unknown>
  /** In the order they were sent. */
  images: Upload[]
  mask?: Upload
}

const ENCODINGS: Readonly<Record<Operation, readonly string[]>> = {
  generate: ['application/json'],
  edit: ['multipart/form-data', 'application/json'],
  variation: ['multipart/form-data'],
}

const IMAGES_MAX = 16
const IMAGE_URL_CHARS_MAX = 20_971_520

export async function readCallForm(
  body: Buffer<ArrayBuffer>,
  contentType: string,
  operation: Operation,
): Promise<CallForm> {
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (!ENCODINGS[operation].includes(mediaType)) throw wrongEncoding(mediaType, operation)
  if (mediaType === 'multipart/form-data') return readMultipart(body, contentType)
  return readJson(body, operation)
}

function wrongEncoding(mediaType: string, operation: Operation): ApiError {
  const accepted = ENCODINGS[operation].map((name) => `'${name}'`).join(' or ')
  const message = `Unsupported content type: '${mediaType}'. This API method only accepts ${accepted} requests. Please try again with a supported content type.`
  return badRequest(null, 'unsupported_content_type', message)
}

async function readMultipart(body: Buffer<ArrayBuffer>, contentType: string): Promise<CallForm> {
  const entries = await parseMultipart(body, contentType)
  const files = new Map<string, File[]>()
  const values = new Map<string, unknown>()
  for (const [name, value] of entries) {
    const isList = name.endsWith('[]')
    if (!isList && (values.has(name) || files.has(name))) throw duplicate(name)
    if (typeof value === 'string') values.set(name, value)
    else if (files.get(name)?.push(value) === undefined) files.set(name, [value])
  }
  return sortFiles(files, values)
}

async function parseMultipart(
  body: Buffer<ArrayBuffer>,
  contentType: string,
): Promise<[string, File | string][]> {
  try {
    const form = await new Response(body, { headers: { 'content-type': contentType } }).formData()
    return [...form]
  } catch {
    throw badRequest(null, null, 'We could not parse the multipart form body of your request.')
  }
}

async function sortFiles(
  files: Map<string, File[]>,
  values: Map<string, unknown>,
): Promise<CallForm> {
  const lists = { single: files.get('image'), many: files.get('image[]'), mask: files.get('mask') }
  const stray = [...files.keys()].find((name) => !['image', 'image[]', 'mask'].includes(name))
  if (stray !== undefined) throw unknownParameter(stray)
  if (lists.single !== undefined && lists.many !== undefined) throw duplicate('image')
  const [maskFile] = lists.mask ?? []
  const images = lists.single ?? lists.many ?? []
  return {
    encoding: 'multipart',
    values,
    images: await Promise.all(
      images.map((file, index) => toUpload(file, imageParam(index, images))),
    ),
    ...(maskFile === undefined ? {} : { mask: await toUpload(maskFile, 'mask') }),
  }
}

const imageParam = (index: number, images: readonly unknown[]) =>
  images.length === 1 ? 'image' : `image[${index}]`

async function toUpload(file: File, param: string): Promise<Upload> {
  return { param, bytes: Buffer.from(await file.arrayBuffer()), mediaType: file.type }
}

function duplicate(name: string): ApiError {
  const message = `Duplicate parameter: '${name}'. You provided multiple values for this parameter, whereas only one is allowed. If you are trying to provide a list of values, use the array syntax instead, e.g. '${name}[]=<value>'.`
  return badRequest(name, 'duplicate_parameter', message)
}

function readJson(body: Buffer, operation: Operation): CallForm {
  const values = new Map(Object.entries(parseObject(body)).filter(([, value]) => value !== null))
  const form: CallForm = { encoding: 'json', values, images: [] }
  if (operation !== 'edit') return form
  return takeReferences(form)
}

function parseObject(body: Buffer): object {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    parsed = undefined
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed
  const message =
    'We could not parse the JSON body of your request. The API expects a JSON object, sent with the header Content-Type: application/json.'
  throw badRequest(null, null, message)
}

/** The JSON form of an edit names its pictures instead of carrying them as files. */
function takeReferences(form: CallForm): CallForm {
  const references = form.values.get('images')
  const mask = form.values.get('mask')
  form.values.delete('images')
  form.values.delete('mask')
  if (references === undefined) return form
  if (!Array.isArray(references)) {
    throw badRequest('images', 'invalid_type', "Invalid type for 'images': expected an array.")
  }
  // Refused here, before any of them is decoded.
  if (references.length > IMAGES_MAX) throw tooManyImages('images', IMAGES_MAX, references.length)
  form.images = references.map((reference, index) =>
    resolveReference(reference, `images[${index}]`),
  )
  if (mask !== undefined) form.mask = resolveReference(mask, 'mask')
  return form
}

export function tooManyImages(param: string, max: number, count: number): ApiError {
  const message = `Invalid '${param}': array too long. Expected an array with maximum length ${max}, but got an array with length ${count} instead.`
  return badRequest(param, 'array_above_max_length', message)
}

function resolveReference(reference: unknown, param: string): Upload {
  const { image_url, file_id, ...rest } = (reference ?? {}) as Record<string, unknown>
  const given = [image_url, file_id].filter((value) => typeof value === 'string')
  if (given.length !== 1 || Object.keys(rest).length > 0) {
    const message = `Invalid '${param}': expected an object with exactly one of 'image_url' and 'file_id'.`
    throw badRequest(param, 'invalid_type', message)
  }
  if (typeof image_url === 'string') return fromDataUrl(image_url, param)
  const message = `Invalid '${param}': the file '${String(file_id)}' was not found; this emulator keeps no files, send a data URL.`
  throw badRequest(param, 'image_file_not_found', message)
}

function fromDataUrl(url: string, param: string): Upload {
  if (url.length > IMAGE_URL_CHARS_MAX) {
    const message = `Invalid '${param}.image_url': string too long. Expected a string with maximum length ${IMAGE_URL_CHARS_MAX}.`
    throw badRequest(param, 'string_above_max_length', message)
  }
  if (/^https?:\/\//i.test(url)) {
    const message = `Failed to download the image of '${param}': this emulator works offline, send a data URL.`
    throw badRequest(param, 'failed_to_download_image', message)
  }
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
