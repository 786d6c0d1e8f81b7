/** Some compatible servers put the picture itself where its URL would be: `data:image/png;base64,…`. */
import { ResponseBrokenError } from '../errors.ts'

const HEAD = /^data:(image\/[a-z0-9.+-]+);base64,/i

interface DataUrl {
  bytes: Buffer
  contentType: string
}

/** Undefined when it is another kind of URL. Throws ResponseBrokenError for one that can't be used. */
export function decodeDataUrl(url: string, bytesMax: number): DataUrl | undefined {
  const [head, contentType] = HEAD.exec(url) ?? []
  if (head === undefined || contentType === undefined) return undefined
  const base64 = url.slice(head.length)
  // Buffer.from would skip them, and what comes of the rest might still look like a picture.
  if (/[^A-Za-z0-9+/=\s]/.test(base64)) {
    throw new ResponseBrokenError('the picture in the data: URL is not base64')
  }
  if (Buffer.byteLength(base64, 'base64') > bytesMax) {
    throw new ResponseBrokenError(
      `the picture in the data: URL is too large: more than ${bytesMax} bytes`,
    )
  }
  return { bytes: Buffer.from(base64, 'base64'), contentType }
}
