/** Writes a manifest as large as wanted, with the columns of a shop's export. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const ROWS_PER_CHUNK = 1_000

const CATEGORIES = ['Mugs', 'Plates', 'Bowls', 'Vases', 'Tea pots', 'Candle holders', 'Trays']
const MATERIALS = ['stoneware', 'porcelain', 'glass', 'oak', 'brushed steel', 'terracotta']
const COLORS = ['white', 'sage green', 'cobalt blue', 'mustard', 'black', 'salmon', 'sand']
const FINISHES = ['matt', 'glossy', 'speckled', 'raw']
const BRANDS = ['Hafen & Söhne', 'Morgenrot', 'Atelier Lind', 'North Quay']

const HEADER =
  'SKU,Title,Category,Material,Color,Finish,Brand,Price,Stock,Description,Updated,size,quality\n'

/** For `--prompt`. */
export const PROMPT =
  'Product photo of {{ title }}, {{ category }}: {{ material }}, {{ color }}, {{ finish }} finish, by {{ brand }}, ' +
  'on a seamless light grey background, soft daylight from the left, slight shadow, no text'

export async function writeManifest(file: string, rowCount: number): Promise<void> {
  await pipeline(Readable.from(chunks(rowCount)), createWriteStream(file))
}

function* chunks(rowCount: number): Generator<string> {
  yield HEADER
  for (let from = 0; from < rowCount; from += ROWS_PER_CHUNK) {
    const count = Math.min(ROWS_PER_CHUNK, rowCount - from)
    yield Array.from({ length: count }, (_, index) => row(from + index)).join('')
  }
}

function row(number: number): string {
  const [category, material, color] = [
    pick(CATEGORIES, number),
    pick(MATERIALS, number * 7 + 3),
    pick(COLORS, number * 11 + 5),
  ]
  const [finish, brand] = [pick(FINISHES, number * 13), pick(BRANDS, number * 17)]
  const description =
    `"Hand-made ${category.toLowerCase()} of ${material}, each one a little different, ` +
    `dishwasher safe. Width ${8 + (number % 40)} cm, ""${finish}"" finish, series ${number % 977}."`
  const cells = [
    `SKU-${String(number + 1).padStart(8, '0')}`,
    `${color} ${material} ${number % 9_973}`,
    category,
    material,
    color,
    finish,
    brand,
    (5 + (number % 9_000) / 100).toFixed(2),
    String(number % 500),
    description,
    `2026-${String((number % 12) + 1).padStart(2, '0')}-${String((number % 28) + 1).padStart(2, '0')}`,
    number % 3 === 0 ? '1536x1024' : '1024x1024',
    number % 5 === 0 ? 'medium' : 'low',
  ]
  return `${cells.join(',')}\n`
}

const pick = (words: readonly string[], number: number): string =>
  words[number % words.length] ?? ''
