/** Object metadata travels as HTTP headers: what fits there, and how any text is made to fit. */
import { createHash } from 'node:crypto'

/** S3's limit for names and values together. */
const METADATA_BYTES_MAX = 2_048
const VALUE_BYTES_MAX = 512

/**
 * Any text as a metadata value, percent-encoded; a text too long for that by its digest. Equal texts give
 * equal values, which is all that comparing metadata needs.
 */
export function toMetadataValue(text: string): string {
  const wellFormed = Buffer.from(text).toString()
  const encoded = encodeURIComponent(wellFormed)
  if (encoded.length <= VALUE_BYTES_MAX) return encoded
  return `sha256:${createHash('sha256').update(wellFormed).digest('hex')}`
}

/** A header with other characters breaks the signature or is changed on the way: refused on every store alike. */
export function assertMetadata(metadata: Readonly<Record<string, string>>): void {
  let byteCount = 0
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) throw new TypeError(`bad metadata name: ${name}`)
    if (!/^([!-~]([ -~]*[!-~])?)?$/.test(value) || value.includes('  ')) {
      throw new TypeError(`the metadata value of ${name} is not plain ASCII text`)
    }
    byteCount += name.length + value.length
  }
  if (byteCount > METADATA_BYTES_MAX) throw new TypeError('the metadata is longer than 2 kB')
}
