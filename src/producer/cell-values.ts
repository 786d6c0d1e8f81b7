import type { PictureReference } from '../images-api/contract.ts'
import { ImageRequest, InputPicture } from '../job.ts'

/** U+0000 and half surrogates: no queue or database stores them the same way. */
const UNSTORABLE = /[\0\p{Cs}]/u
const QUOTED_CHARS_MAX = 60

/** Null, blank text and an empty list say nothing: the cell is not given. */
export function isGiven(value: unknown): boolean {
  if (value === null || value === undefined) return false
  if (typeof value === 'string') return value.trim() !== ''
  return !Array.isArray(value) || value.length > 0
}

export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text)
}

/** A cell's text; undefined when it is a list or a group of values. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** `2` or `"2"`; undefined for anything that is not written as a whole number. */
export function integerOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}

/** `true` or `"TRUE"`; undefined for every other way to say so. */
export function flagOf(value: unknown): boolean | undefined {
  const word = textOf(value)?.trim().toLowerCase()
  return word === 'true' || word === 'false' ? word === 'true' : undefined
}

/** The author of an svg, as an object or as its JSON text; nulls in it say nothing. */
export function authorOf(value: unknown): ImageRequest['svg'] {
  const json: unknown = typeof value === 'string' ? jsonIn(value) : value
  const tidy: unknown = JSON.parse(JSON.stringify(json ?? null), withoutNulls)
  const parsed = ImageRequest.shape.svg.safeParse(tidy)
  return parsed.success ? parsed.data : undefined
}

/** An object of nothing but nulls says nothing either. */
function withoutNulls(_: string, value: unknown): unknown {
  if (value === null) return undefined
  const isEmpty = typeof value === 'object' && Object.keys(value).length === 0
  return isEmpty ? undefined : value
}

/** A picture that an earlier run has put into the store, as `failed.jsonl` names it. */
export type StoredPicture = Extract<InputPicture, { kind: 'stored' }>

/** A path, URL or file id as text, what the API gets by itself as the API's own object, or a stored picture. */
export type PictureName = string | PictureReference | StoredPicture

/** A semicolon may belong to a URL, so it only separates in front of a blank or a URL, or behind a picture's name. */
const SEPARATOR = /\||[,;]\s+|;(?=(?:https?|s3):\/\/)|(?<=\.(?:png|jpe?g|webp));|[\r\n]+/i

/**
 * The pictures that a cell names: text separated by `|`, line breaks, semicolons or commas with a space after them,
 * the API's own objects, a JSON list of both, or such a list or object written into a CSV cell. Undefined when an
 * entry is none of these.
 */
export function picturesOf(value: unknown): PictureName[] | undefined {
  const entries = Array.isArray(value) ? value : listOf(value)
  const names = entries.map(pictureNameOf)
  return names.every((name) => name !== undefined) ? names : undefined
}

function listOf(value: unknown): unknown[] {
  if (typeof value !== 'string') return [value]
  if (/^\s*[[{]/.test(value)) {
    // Otherwise it is a file name that begins with a bracket.
    const parsed: unknown = jsonIn(value)
    if (parsed !== undefined) return Array.isArray(parsed) ? parsed : [parsed]
  }
  return value.split(SEPARATOR).filter((entry) => entry.trim() !== '')
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `https://…,https://…` would pass as one URL; who means that writes a JSON list. */
export function areGlued(cell: unknown): boolean {
  const isText = typeof cell === 'string' && !/^\s*[[{]/.test(cell)
  return isText && /,(?:https?|s3):\/\//i.test(cell)
}

function pictureNameOf(entry: unknown): PictureName | undefined {
  if (typeof entry === 'string') return entry.trim()
  if (typeof entry !== 'object' || entry === null) return undefined
  if ('kind' in entry) return storedPictureOf(entry)
  const [[key, value] = [], ...others] = Object.entries(entry)
  if (typeof value !== 'string' || others.length > 0) return undefined
  if (key === 'image_url') return { image_url: value.trim() }
  return key === 'file_id' ? { file_id: value.trim() } : undefined
}

/** Its name is made of its digest, so that neither can be told without the other. */
function storedPictureOf(entry: object): StoredPicture | undefined {
  const { data } = InputPicture.safeParse(entry)
  if (data?.kind !== 'stored' || !data.key.startsWith(`_inputs/${data.sha256}.`)) return undefined
  return data
}

/** For messages: recognisable, and short whatever it is. */
export function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return `"${text.length > QUOTED_CHARS_MAX ? `${text.slice(0, QUOTED_CHARS_MAX)}…` : text}"`
}
