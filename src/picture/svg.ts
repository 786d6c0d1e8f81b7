import { cutShort, PictureBrokenError, HEAD_BYTES, type Bytes, type Measures } from './bytes.ts'

/** Only the simple form that drawing programs and the API write: `<svg …>` right after the XML declaration. */
export const SVG_ROOT = /^\uFEFF?\s*(?:<\?xml[^>]*\?>\s*)?(<svg\s[^>]*>)/

/** No two repetitions next to each other take the same characters: it is tried on what strangers write. */
const VIEW_BOX = /\sviewBox=["'][-\d.]+[ ,]+[-\d.]+[ ,]+(\d+)(?:\.\d*)?[ ,]+(\d+)(?:\.\d*)?["']/

export async function measureSvg(bytes: Bytes): Promise<Measures> {
  const tail = await bytes.read(Math.max(0, bytes.byteCount - 256), 256)
  if (!tail.toString('utf8').trimEnd().endsWith('</svg>')) throw cutShort('SVG without </svg>')
  const head = await bytes.read(0, HEAD_BYTES)
  const root = SVG_ROOT.exec(head.toString('utf8'))?.[1] ?? ''
  const sides = /\swidth=["'](\d+)(?:px)?["'].*\sheight=["'](\d+)(?:px)?["']/s.exec(root)
  const box = VIEW_BOX.exec(root)
  const [, width, height] = sides ?? box ?? []
  if (width === undefined) throw new PictureBrokenError('SVG without width, height or viewBox')
  return { width: Number(width), height: Number(height), hasAlpha: true }
}
