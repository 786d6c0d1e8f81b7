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

/** A picture that was only named; references.ts opens it. */
export type Reference = { param: string; imageUrl: string } | { param: string; fileId: string }

export type SentPicture = Upload | Reference

export interface CallForm {
  encoding: 'json' | 'multipart'
  values: Map<string, unknown>
  /** In the order they were sent. */
  images: SentPicture[]
  mask?: SentPicture
  /** Only in a multipart form. */
  markup?: SentPicture
}

const ENCODINGS: Readonly<Record<Operation, readonly string[]>> = {
  generate: ['application/json'],
  edit: ['multipart/form-data', 'application/json'],
  variation: ['multipart/form-data'],
}

const IMAGES_MAX = 16
const FILE_FIELDS = new Set(['image', 'image[]', 'mask', 'markup'])

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

export async function parseMultipart(
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
  const stray = [...files.keys()].find((name) => !FILE_FIELDS.has(name))
  if (stray !== undefined) throw unknownParameter(stray)
  if (files.has('image') && files.has('image[]')) throw duplicate('image')
  const images = files.get('image') ?? files.get('image[]') ?? []
  const [mask] = files.get('mask') ?? []
  const [markup] = files.get('markup') ?? []
  return {
    encoding: 'multipart',
    values,
    images: await Promise.all(
      images.map((file, index) => toUpload(file, imageParam(index, images))),
    ),
    ...(mask === undefined ? {} : { mask: await toUpload(mask, 'mask') }),
    ...(markup === undefined ? {} : { markup: await toUpload(markup, 'markup') }),
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
  // Refused here, before any of them is opened.
  if (references.length > IMAGES_MAX) throw tooManyImages('images', IMAGES_MAX, references.length)
  form.images = references.map((reference, index) => readReference(reference, `images[${index}]`))
  if (mask !== undefined) form.mask = readReference(mask, 'mask')
  return form
}

export function tooManyImages(param: string, max: number, count: number): ApiError {
  const message = `Invalid '${param}': array too long. Expected an array with maximum length ${max}, but got an array with length ${count} instead.`
  return badRequest(param, 'array_above_max_length', message)
}

function readReference(reference: unknown, param: string): Reference {
  const { image_url, file_id, ...rest } = (reference ?? {}) as Record<string, unknown>
  const given = [image_url, file_id].filter((value) => typeof value === 'string')
  if (given.length !== 1 || Object.keys(rest).length > 0) {
    const message = `Invalid '${param}': expected an object with exactly one of 'image_url' and 'file_id'.`
    throw badRequest(param, 'invalid_type', message)
  }
  return typeof image_url === 'string'
    ? { param, imageUrl: image_url }
    : { param, fileId: String(file_id) }
}
