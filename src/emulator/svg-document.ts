/** The same small picture as an SVG document: one rectangle for each run of equal pixels in a row. */
import type { Pixels } from './picture-look.ts'
import type { PictureSize } from './sizes.ts'

export function svgDocument({ data, side }: Pixels, { width, height }: PictureSize): Buffer {
  const colours = Array.from(
    { length: side * side },
    (_, at) => `#${data.toString('hex', at * 4, at * 4 + 3)}`,
  )
  const rectangles: string[] = []
  for (let start = 0, end = 0; start < colours.length; start = end) {
    const rowEnd = start - (start % side) + side
    while (end < rowEnd && colours[end] === colours[start]) end += 1
    const [x, y] = [start % side, Math.floor(start / side)]
    rectangles.push(
      `<rect x="${x}" y="${y}" width="${end - start}" height="1" fill="${colours[start]}"/>`,
    )
  }
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${side} ${side}" preserveAspectRatio="none" shape-rendering="crispEdges">\n${rectangles.join('\n')}\n</svg>\n`,
  )
}
