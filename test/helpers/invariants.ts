/** What must hold after every run, whatever went wrong in it. */
import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { expect } from 'vitest'
import { inspectPicture } from '../../src/picture.ts'
import type { PictureEntry, RenderRecord } from '../../src/record.ts'
import type { Store } from '../../src/storage/store.ts'
import type { Rendered } from './pipeline.ts'

/** Every record tells the truth about bytes that are there and are a picture. Returns how many pictures. */
export async function expectTrueRecords(
  store: Store,
  records: Iterable<RenderRecord>,
): Promise<number> {
  const waiting = [...records].flatMap(({ fingerprint, pictures }) =>
    pictures.map((picture) => ({ fingerprint, picture })),
  )
  const total = waiting.length
  const checkSome = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      await expectTruePicture(store, next)
    }
  }
  await Promise.all(Array.from({ length: CHECKED_AT_ONCE }, checkSome))
  return total
}

const CHECKED_AT_ONCE = 8

async function expectTruePicture(
  store: Store,
  { fingerprint, picture }: { fingerprint: string; picture: PictureEntry },
): Promise<void> {
  const bytes = await store.get(picture.key, { bytesMax: 1e9 })
  expect(bytes, picture.key).toBeDefined()
  const { width, height, mediaType } = await inspectPicture(bytes!)
  // Decodes every pixel: an independent reader's word that this is a picture.
  await sharp(bytes).resize(8).raw().toBuffer()
  const sha256 = createHash('sha256').update(bytes!).digest('hex')
  const { key: _, index: __, revisedPrompt: ___, replaced: ____, ...said } = picture
  expect({ sha256, width, height, mediaType, byteCount: bytes!.length }).toEqual(said)
  const head = await store.head(picture.key)
  expect(head?.metadata).toMatchObject({ fingerprint, sha256 })
}

/** Each row has one outcome, one result line, and a record exactly when it has pictures. */
export async function expectSoundRun(
  { books, results, records }: Rendered,
  store: Store,
): Promise<void> {
  expect(books.settled).toBe(books.rowCount)
  expect(results.map(({ row }) => row).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: books.rowCount }, (_, row) => row),
  )
  for (const { id, outcome } of results) {
    expect(records.has(id), `${id} ${outcome}`).toBe(
      outcome === 'succeeded' || outcome === 'reused',
    )
  }
  await expectTrueRecords(store, records.values())
}
