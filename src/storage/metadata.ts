/** Object metadata travels as HTTP headers: what does not fit there is refused on every store alike. */

/** S3's limit for names and values together. */
const METADATA_BYTES_MAX = 2_048
const NAME = /^[a-z0-9][a-z0-9-]*$/
/** Spaces at the ends or in a row are changed on the way, and with them the signature. */
const VALUE = /^([!-~]( ?[!-~])*)?$/

/** A TypeError here is a bug of the caller, who must encode what people have typed. */
export function assertMetadata(metadata: Readonly<Record<string, string>>): void {
  let byteCount = 0
  for (const [name, value] of Object.entries(metadata)) {
    if (!NAME.test(name)) throw new TypeError(`bad metadata name: ${name}`)
    if (!VALUE.test(value)) throw new TypeError(`the metadata ${name} is not plain ASCII text`)
    byteCount += name.length + value.length
  }
  if (byteCount > METADATA_BYTES_MAX) throw new TypeError('the metadata is longer than 2 kB')
}
